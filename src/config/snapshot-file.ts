/** The file in which a server keeps its settings and models, as Java properties (contract server-config §11). */
import type { Config } from './config.js'
import type { PropertiesFile } from './properties.js'
import { printSnapshot, type Snapshot } from './snapshot.js'
import { INTERNAL_KEYS, rowOf, settingNames, settingOfKey } from './table.js'

/** A key and its value, as they stand before escaping. */
export type Property = readonly [key: string, value: string]

/**
 * All settings that count, whoever named them, then what the file says that means nothing here. Settings without a value
 * are left out. Passwords are among them, so that a server can begin from the file.
 */
export function effectiveProperties(config: Config, file: PropertiesFile | undefined): Property[] {
  const known = settingNames
    .filter((name) => name !== 'modelSnapshot')
    .map((name): Property => [rowOf(name).key, rowOf(name).kind.print(config[name])])
  const unknown = (file?.entries ?? [])
    .filter(({ key }) => settingOfKey(key) === undefined && !INTERNAL_KEYS.has(key))
    .map(({ key, value }): Property => [key, value])
  const source: Property[] = file === undefined ? [] : [['tsConfigFile', file.path]]
  return [...known.filter(([, value]) => value !== ''), ...unknown, ...source]
}

/** The text of the file, ASCII, the snapshot on one line. */
export function snapshotFileText(
  properties: readonly Property[],
  { snapshot, date }: { snapshot: Snapshot; date: Date },
): string {
  const all: Property[] = [...properties, ['model_snapshot', printSnapshot(snapshot)]]
  const lines = all.map(([key, value]) => `${escape(key, / /g)}=${escape(value, /^ /)}\n`)
  return `#Saving snapshot\n#${date.toString()}\n${lines.join('')}`
}

/** As `java.util.Properties.store` does; which blanks are escaped depends on the side of the `=`. */
const escape = (text: string, blanks: RegExp): string =>
  text
    .replace(/[\\:=#!]/g, '\\$&')
    .replace(blanks, '\\ ')
    .replace(
      /[^\x20-\x7e]/g,
      (unit) => LETTERS[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )

const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' }
