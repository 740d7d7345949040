/** Which source names a setting: the order of precedence of both profiles (contract server-config §3.2, §6). */
import type { Profile } from './config.js'
import type { Origin } from './origin.js'
import type { PropertiesFile } from './properties.js'
import { boolean } from './values.js'
import { rowOf, torchserveVariableOf, variableOf, type SettingName } from './table.js'

/** Where settings come from. */
export interface Sources {
  readonly profile: Profile
  /** By flag name, without dashes. Texts as on the command line; switches are `true` or `false`. */
  readonly flags: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** `NAME=SOURCE` or `SOURCE`; empty: those of `load_models`. */
  readonly models: readonly string[]
  /** The file, its variables replaced. */
  readonly file?: PropertiesFile | undefined
  /** Names of the archives and folders in a model store, for the word `all`. */
  readonly listStore?: (folder: string) => readonly string[]
}

/** What a source says. */
export interface Given {
  readonly text: string
  readonly origin: Origin
}

/**
 * The highest source that names a setting. Under `torchserve` TorchServe's variables, where the file allows them, beat
 * the command line; everywhere else a flag is the last word. Marina's own variables beat the file in both.
 */
export function givenTo(name: SettingName, sources: Sources): Given | undefined {
  const compatible = torchserveVariable(name, sources)
  const flag = flagOf(name, sources)
  const order = sources.profile === 'torchserve' ? [compatible, flag] : [flag, compatible]
  return [...order, marinaVariable(name, sources), entryOf(name, sources)].find(
    (given) => given !== undefined,
  )
}

function flagOf(name: SettingName, { flags }: Sources): Given | undefined {
  const { flag } = rowOf(name)
  const text = flag === undefined ? undefined : flags.get(flag)
  return flag === undefined || text === undefined ? undefined : { text, origin: { kind: 'flag', flag } }
}

function marinaVariable(name: SettingName, { environment }: Sources): Given | undefined {
  const variable = variableOf(name)
  const text = environment[variable]
  return text === undefined ? undefined : { text, origin: { kind: 'variable', variable } }
}

function entryOf(name: SettingName, { file }: Sources): Given | undefined {
  const { key } = rowOf(name)
  const entry = file?.entries.findLast((candidate) => candidate.key === key)
  if (!file || !entry) return undefined
  return { text: entry.value, origin: { kind: 'file', path: file.path, line: entry.line } }
}

/** Variables that TorchServe reads whether or not the file allows them. */
const ALWAYS_READ: ReadonlySet<SettingName> = new Set(['openInferenceProtocol', 'serverHome'])

function torchserveVariable(name: SettingName, sources: Sources): Given | undefined {
  const variable = torchserveVariableOf(name)
  const text = variable === undefined ? undefined : sources.environment[variable]
  if (variable === undefined || text === undefined) return undefined
  if (!ALWAYS_READ.has(name) && !isOn('enableVariables', sources)) return undefined
  if (name === 'allowedUrls' && !isOn('useEnvAllowedUrls', sources)) return undefined
  const origin: Origin = { kind: 'variable', variable }
  if (name !== 'openInferenceProtocol') return { text, origin }
  // The one variable with a grammar of its own: the word `oip`, any other one is off, the empty one says nothing.
  return text === '' ? undefined : { text: String(text === 'oip'), origin }
}

/** The switches that allow variables; no TorchServe variable can set them. */
function isOn(name: 'enableVariables' | 'useEnvAllowedUrls', sources: Sources): boolean {
  const given = marinaVariable(name, sources) ?? entryOf(name, sources)
  const result = boolean.parse(given?.text ?? 'false')
  return 'value' in result && result.value
}
