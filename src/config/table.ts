/**
 * The one table of settings. Flags, help, `docs/config.md`, variables and the keys of `config.properties` are made from
 * it; no default stands anywhere else.
 */
import { addressRows } from './addresses.js'
import { modelRows } from './models.js'
import { requestRows } from './requests.js'
import type { AnyRow, ValuesOf } from './setting.js'
import { telemetryRows } from './telemetry.js'
import { workerLifeRows } from './worker-life.js'
import { workerRows } from './workers.js'

/** Headings of help and docs, each with its rows. */
export const groups = {
  Addresses: addressRows,
  Models: modelRows,
  'Requests and answers': requestRows,
  Workers: workerRows,
  'Lives and numbers of workers': workerLifeRows,
  'Metrics and logs': telemetryRows,
} as const

/** Every setting, in the order of help and docs. */
export const table = {
  ...addressRows,
  ...modelRows,
  ...requestRows,
  ...workerRows,
  ...workerLifeRows,
  ...telemetryRows,
}

/** The values of all settings. */
export type Settings = ValuesOf<typeof table>

/** A setting's name in the Config. */
export type SettingName = keyof Settings

/** All names, in the table's order. */
export const settingNames = Object.keys(table) as SettingName[]

/** The row of a setting, its type forgotten: for code that walks the table. */
export const rowOf = (name: SettingName): AnyRow => table[name]

/** Marina's own variable of a setting. */
export const variableOf = (name: SettingName): string => `MARINA_${rowOf(name).key.toUpperCase()}`

/** TorchServe's variable of a setting; undefined where it reads none. */
export function torchserveVariableOf(name: SettingName): string | undefined {
  const { variable, key } = rowOf(name)
  return variable === undefined ? `TS_${key.toUpperCase()}` : (variable ?? undefined)
}

const byKey = new Map(settingNames.map((name) => [rowOf(name).key, name]))

/** The setting of a key in `config.properties`. */
export const settingOfKey = (key: string): SettingName | undefined => byKey.get(key)

/** Keys that TorchServe writes into its snapshots and never reads. */
export const INTERNAL_KEYS: ReadonlySet<string> = new Set(['version', 'tsConfigFile'])
