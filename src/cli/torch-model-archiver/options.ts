/**
 * The command line of torch-model-archiver 0.12.0. The parser is a port of the one that the original uses, so that
 * prefixes, joined short options, messages and the layout of help are its own (recorded in test/compat/archiver); what
 * help says of an option is said in our own words.
 */
import { RawTextHelpFormatter, SUPPRESS } from 'argparse'
import type { ArchiveFormat, Runtime } from '../../archive/index.js'
import { parsedOrEnd, PythonParser, type ParserEnd } from '../python-parser.js'

/** A parsed command line; what was not given is undefined. */
export interface ArchiverOptions {
  readonly model_name: string
  readonly version: string
  readonly handler: string
  readonly serialized_file?: string
  readonly model_file?: string
  readonly extra_files?: string
  readonly requirements_file?: string
  readonly config_file?: string
  readonly runtime: Exclude<Runtime, 'node'>
  readonly export_path: string
  readonly archive_format: ArchiveFormat
  readonly force: boolean
  /** Options that the original does not have. */
  readonly own: ReadonlySet<OwnOption>
}

/**
 * Marina's own flags. They are known only when written out, and help does not name them: the original's prefixes and
 * help stay as they are (docs/compatibility.md).
 */
export type OwnOption = (typeof ownOptions)[number]

const ownOptions = ['--keep-tree', '--no-collisions', '--store-weights'] as const

/** Parses the words after the command's name. */
export function parseArchiverOptions(
  words: readonly string[],
  { cwd }: { cwd: string },
): ArchiverOptions | ParserEnd {
  const isOwn = (word: string) => ownOptions.some((option) => option === word)
  const parser = archiverParser(cwd)
  return parsedOrEnd(() => {
    const parsed = parser.parse_args(words.filter((word) => !isOwn(word))) as Omit<ArchiverOptions, 'own'>
    return { ...parsed, own: new Set(ownOptions.filter((option) => words.includes(option))) }
  })
}

function archiverParser(cwd: string): PythonParser {
  const parser = new PythonParser({
    prog: 'torch-model-archiver',
    description: 'Packs a model, its handler and what they need into one archive for TorchServe or Marina.',
    formatter_class: RawTextHelpFormatter,
    add_help: false,
  })
  // A group of its own, since the port's standard group still has the heading of Python 3.9.
  const options = parser.add_argument_group({ title: 'options' })
  options.add_argument('-h', '--help', {
    action: 'help',
    default: SUPPRESS,
    help: 'Print this and end.',
  })
  options.add_argument('--model-name', { required: true, help: help.modelName })
  options.add_argument('--serialized-file', { help: help.serializedFile })
  options.add_argument('--model-file', { help: help.modelFile })
  options.add_argument('--handler', { required: true, help: help.handler })
  options.add_argument('--extra-files', {
    help: 'More files or folders for the handler, separated by commas.',
  })
  options.add_argument('--runtime', {
    default: 'python',
    choices: ['python', 'python3', 'LSP'],
    help: help.runtime,
  })
  options.add_argument('--export-path', { default: cwd, help: help.exportPath })
  options.add_argument('--archive-format', {
    default: 'default',
    choices: ['tgz', 'no-archive', 'zip-store', 'default'],
    help: help.archiveFormat,
  })
  options.add_argument('-f', '--force', { action: 'store_true', help: help.force })
  options.add_argument('-v', '--version', { required: true, help: 'Version of the model, such as 1.0.' })
  options.add_argument('-r', '--requirements-file', { help: help.requirementsFile })
  options.add_argument('-c', '--config-file', {
    help: 'YAML file with settings of the model, such as batchSize.',
  })
  return parser
}

const help = {
  modelName: `Name of the model; the archive is named after it.`,
  serializedFile: `Weights: a state dict, a TorchScript module, or an ONNX model.`,
  modelFile: `Python file with the one class of the network.
Eager models need it.`,
  handler: `A built-in handler by its name, or a Python file.`,
  runtime: `Language of the handler (default: python).`,
  exportPath: `Folder of the archive (default: the current one).`,
  archiveFormat: `default     a zip, NAME.mar
zip-store   the same, nothing deflated: quicker to write
tgz         NAME.tar.gz
no-archive  a folder, NAME`,
  force: `Replace an archive that is there already.`,
  requirementsFile: `Python packages that the model needs, as pip reads them.`,
}
