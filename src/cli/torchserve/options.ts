/**
 * The command line of torchserve 0.12.0 (contract server-config §1). The parser is a port of the one that the original
 * uses, so that prefixes, `=`, usage and errors are its own; the sentences of help are ours.
 */
import { SUPPRESS } from 'argparse'
import { parsedOrEnd, PythonParser, type ParserEnd } from '../python-parser.js'

/** A parsed command line. */
export interface TorchserveOptions {
  readonly version: boolean
  readonly start: boolean
  readonly stop: boolean
  readonly foreground: boolean
  readonly ts_config?: string
  readonly model_store?: string
  readonly workflow_store?: string
  /** Words as they were given; each may hold several models between commas. */
  readonly models?: readonly string[]
  readonly log_config?: string
  readonly cpp_log_config?: string
  readonly no_config_snapshots: boolean
  readonly plugins_path?: string
  readonly disable_token_auth: boolean
  readonly enable_model_api: boolean
  /** Options that the original does not have, with their values. */
  readonly own: ReadonlyMap<OwnOption, string>
}

/**
 * Marina's own options. They are known only when written out, and help does not name them: the original's prefixes and
 * help stay as they are (docs/compatibility.md).
 */
export type OwnOption = (typeof ownOptions)[number]

const ownOptions = ['--log-format'] as const

/** Parses the words after the command's name. */
export function parseTorchserveOptions(words: readonly string[]): TorchserveOptions | ParserEnd {
  const { own, others } = withoutOwn(words)
  return parsedOrEnd(() => ({
    ...(torchserveParser().parse_args(others) as Omit<TorchserveOptions, 'own'>),
    own,
  }))
}

/** Takes our own options out, `--option value` or `--option=value`. */
function withoutOwn(words: readonly string[]): { own: ReadonlyMap<OwnOption, string>; others: string[] } {
  const own = new Map<OwnOption, string>()
  const others: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const option = ownOptions.find((known) => word === known || word.startsWith(`${known}=`))
    if (option === undefined) others.push(word)
    else own.set(option, word === option ? (words[++at] ?? '') : word.slice(option.length + 1))
  }
  return { own, others }
}

/** The order of the options is that of the original's usage line. */
function torchserveParser(): PythonParser {
  const parser = new PythonParser({
    prog: 'torchserve',
    description: 'TorchServe’s command, served by Marina.',
    add_help: false,
  })
  // A group of its own, since the port's standard group has the heading of an older Python.
  const options = parser.add_argument_group({ title: 'options' })
  options.add_argument('-h', '--help', { action: 'help', default: SUPPRESS, help: 'Show this help.' })
  const action = options.add_mutually_exclusive_group()
  const flag = { action: 'store_true' as const }
  action.add_argument('-v', '--version', {
    ...flag,
    help: 'Print the version of TorchServe that this follows.',
  })
  action.add_argument('--start', {
    ...flag,
    help: 'Start the server; so does a command line without an action.',
  })
  action.add_argument('--stop', { ...flag, help: 'Stop the server that runs.' })
  options.add_argument('--ts-config', { help: 'The config.properties to read (docs/config.md).' })
  options.add_argument('--model-store', { help: 'Folder in which archives are looked up by name.' })
  options.add_argument('--workflow-store', { help: 'Accepted; workflows are not served.' })
  options.add_argument('--models', {
    nargs: '+',
    metavar: 'MODEL_PATH1 MODEL_NAME=MODEL_PATH2...',
    help: 'Models to load at the start: NAME=ARCHIVE, ARCHIVE, or all for the whole model store.',
  })
  options.add_argument('--log-config', {
    help: 'The log4j2.xml that says what is logged where (docs/compatibility.md).',
  })
  options.add_argument('--cpp-log-config', { help: 'Accepted; there are no C++ workers.' })
  options.add_argument('--foreground', {
    ...flag,
    help: 'Stay until the server ends; with --stop, wait for its end.',
  })
  options.add_argument('--no-config-snapshots', '--ncs', {
    ...flag,
    help: 'Neither write snapshots of the configuration nor begin from one.',
  })
  options.add_argument('--plugins-path', '--ppath', { help: 'Accepted; Java plugins cannot be loaded.' })
  options.add_argument('--disable-token-auth', '--dt', { ...flag, help: 'Ask for no keys.' })
  options.add_argument('--enable-model-api', { ...flag, help: 'Allow POST and DELETE on /models.' })
  return parser
}
