/** Merges flags, variables, the file and defaults into the frozen Config, and keeps where each value comes from. */
import { misuse } from '../errors.js'
import { addressUrl, type Address, type Config, type Profile, type StartupModel } from './config.js'
import { givenTo, type Given, type Sources } from './given.js'
import { nearest } from './nearest.js'
import { printOrigin, type Origin } from './origin.js'
import type { AnyRow } from './setting.js'
import { boolean } from './values.js'
import { INTERNAL_KEYS, rowOf, settingNames, settingOfKey, type SettingName, type Settings } from './table.js'

/** The Config, and what can be said about how it came to be. */
export interface Explained {
  readonly config: Config
  readonly origins: Readonly<Record<SettingName | 'models', Origin>>
  /** Keys that are unknown or change nothing, and values that TorchServe takes for others; a sentence each. */
  readonly warnings: readonly string[]
}

/** Makes the Config. @throws misuse, naming the flag, variable or line with the value that cannot be */
export const loadConfig = (sources: Sources): Config => explainConfig(sources).config

/** The Config of a profile when nobody says anything. */
export const defaultConfig = (profile: Profile): Config =>
  loadConfig({ profile, flags: new Map(), environment: {}, models: [] })

/** Makes the Config with its origins. @throws misuse, naming the flag, variable or line with the value that cannot be */
export function explainConfig(sources: Sources): Explained {
  const warnings = unknownKeys(sources)
  const resolved = settingNames.map((name) => ({ name, ...resolve(name, { sources, warnings }) }))
  // Each row's kind has read its own setting; a loop over all of them cannot know that.
  const settings = Object.fromEntries(resolved.map(({ name, value }) => [name, value])) as unknown as Settings
  const origins = Object.fromEntries(resolved.map(({ name, origin }) => [name, origin])) as Record<
    SettingName,
    Origin
  >
  // What the command line names counts; else a snapshot does, and then what the file names does not.
  const named = sources.models.length > 0 || origins.loadModels.kind === 'flag'
  const modelSnapshot = named ? undefined : settings.modelSnapshot
  const models = modelSnapshot ? [] : modelsOf(settings, sources)
  refuseSocketsWithoutNativeIo(settings)
  const config: Config = {
    ...settings,
    modelSnapshot,
    profile: sources.profile,
    models,
    modelApi: modelApiOf(settings, { profile: sources.profile, origin: origins.modelApi }),
  }
  const origin: Origin = sources.models.length > 0 ? { kind: 'argument' } : origins.loadModels
  return { config: Object.freeze(config), origins: { ...origins, models: origin }, warnings }
}

interface Resolving {
  readonly sources: Sources
  readonly warnings: string[]
}

function resolve(name: SettingName, { sources, warnings }: Resolving): { value: unknown; origin: Origin } {
  const row = rowOf(name)
  const byDefault: unknown = row.defaults[sources.profile]
  const given = givenTo(name, sources)
  const value: unknown = given ? read(row, given, { profile: sources.profile, warnings }) : byDefault
  if (given && row.unused !== undefined && row.kind.print(value) !== row.kind.print(byDefault))
    warnings.push(`${nameOf(row, given.origin)} changes nothing: ${row.unused}`)
  const origin: Origin = given?.origin ?? { kind: 'default' }
  return row.portFlag === undefined ? { value, origin } : withPort(value as Address, row, { origin, sources })
}

function read(
  row: AnyRow,
  { text, origin }: Given,
  { profile, warnings }: { profile: Profile; warnings: string[] },
): unknown {
  // A switch on the command line says the setting itself, also where its key says the opposite.
  const kind = origin.kind === 'flag' && row.kind.placeholder === undefined ? boolean : row.kind
  const result = kind.parse(text)
  if ('value' in result) {
    warnings.push(...(result.warnings ?? []).map((warning) => `${printOrigin(origin)}: ${warning}`))
    return result.value
  }
  const shown = row.secret ? '' : `, but it is ${JSON.stringify(text)}`
  const complaint = `${nameOf(row, origin)} must be ${result.mustBe}${shown}`
  const fallback: unknown = row.kind.otherwise
  // A flag is Marina's own: TorchServe has no habit to keep there.
  if (profile === 'marina' || fallback === undefined || origin.kind === 'flag') {
    const original = profile === 'torchserve' && result.original ? `${result.original}: ` : ''
    throw misuse(`${original}${complaint}.`)
  }
  warnings.push(`${complaint}; it counts as ${row.kind.print(fallback)}.`)
  return fallback
}

/** `--workers`, `TS_JOB_QUEUE_SIZE`, `job_queue_size (config.properties:12)`. */
const nameOf = ({ key }: AnyRow, origin: Origin): string =>
  origin.kind === 'file' ? `${key} (${printOrigin(origin)})` : printOrigin(origin)

function withPort(
  address: Address,
  { portFlag = '' }: AnyRow,
  { origin, sources }: { origin: Origin; sources: Sources },
): { value: Address; origin: Origin } {
  const text = sources.flags.get(portFlag)
  if (text === undefined) return { value: address, origin }
  if ('path' in address) throw misuse(`--${portFlag} does not go with the address ${addressUrl(address)}.`)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port <= 65_535)) throw misuse(`--${portFlag} must be a port from 0 to 65535, but it is "${text}".`)
  return { value: { ...address, port }, origin: { kind: 'flag', flag: portFlag } }
}

function unknownKeys({ file }: Sources): string[] {
  const keys = settingNames.map((name) => rowOf(name).key)
  return (file?.entries ?? [])
    .filter(({ key }) => settingOfKey(key) === undefined && !INTERNAL_KEYS.has(key))
    .map(({ key, line }) => {
      const meant = nearest(key, keys)
      const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
      return `${file?.path ?? ''}:${line}: the key ${JSON.stringify(key)} is unknown and changes nothing.${hint}`
    })
}

/** The command line's models win over `load_models`; the word `all` alone stands for the whole model store. */
function modelsOf({ loadModels, modelStore }: Settings, sources: Sources): readonly StartupModel[] {
  const names = sources.models.length > 0 ? sources.models : loadModels
  if (names.length !== 1 || names[0]?.toLowerCase() !== 'all' || modelStore === undefined)
    return names.map(parseModel)
  return (sources.listStore?.(modelStore) ?? []).map((source) => ({ name: undefined, source }))
}

function parseModel(text: string): StartupModel {
  // A drive letter or a URL has its colon first; a name has none of the characters of a path.
  const match = /^([\w.-]+)=(.+)$/.exec(text)
  return match?.[2] === undefined ? { name: undefined, source: text } : { name: match[1], source: match[2] }
}

/** TorchServe's own rule and words. */
function refuseSocketsWithoutNativeIo(settings: Settings): void {
  const { nativeIo, inferenceAddress, managementAddress, metricsAddress } = settings
  if (!nativeIo && [inferenceAddress, managementAddress, metricsAddress].some((address) => 'path' in address))
    throw misuse('unix domain socket requires use_native_io set to true.')
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/

const hostOf = (address: Address): string => ('path' in address ? 'localhost' : address.host)

const isOfThisMachine = (address: Address): boolean => LOOPBACK.test(hostOf(address))

/** Under `marina serve` nobody beyond this machine may register code without showing a key. */
function modelApiOf(
  { modelApi, managementAddress, tokens }: Settings,
  { profile, origin }: { profile: Profile; origin: Origin },
): boolean {
  if (profile === 'torchserve' || tokens || isOfThisMachine(managementAddress)) return modelApi
  if (modelApi && origin.kind !== 'default')
    throw misuse(
      `${origin.kind === 'flag' ? '--model-api' : `enable_model_api (${printOrigin(origin)})`} would let everyone ` +
        `who reaches ${hostOf(managementAddress)} run code here. Keep --management-address on 127.0.0.1, or ask for keys with --tokens.`,
    )
  return false
}
