/**
 * Writes `MAR-INF/MANIFEST.json` as torch-model-archiver 0.12.0 does, to the byte (contract archive §2.1).
 */
import { misuse } from '../errors.js'
import type { Manifest } from './manifest.js'

/**
 * The `archiverVersion` of what we write: the release of torch-model-archiver whose layout it is. TorchServe
 * only warns when it is absent, and users' scripts compare it with `model_archiver.__version__`, so Marina's
 * own version would say less.
 */
export const ARCHIVER_VERSION = '0.12.0'

/**
 * In the original's order of keys, with two blanks, all but printable ASCII escaped, no newline at the end.
 * Empty fields are left out.
 */
export function encodeManifest(manifest: Manifest): string {
  const { model } = manifest
  const ordered = {
    createdOn: manifest.createdOn,
    runtime: manifest.runtime,
    model: {
      modelName: model.modelName,
      serializedFile: model.serializedFile || undefined,
      handler: model.handler,
      modelFile: model.modelFile || undefined,
      modelVersion: model.modelVersion || undefined,
      requirementsFile: model.requirementsFile || undefined,
      configFile: model.configFile || undefined,
    },
    archiverVersion: manifest.archiverVersion,
  }
  return JSON.stringify(ordered, undefined, 2).replace(/[^\x20-\x7e\n]/g, escaped)
}

/**
 * JSON.stringify has already escaped the control characters below blank; each UTF-16 unit is escaped by
 * itself, as Python does.
 */
const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** `DD/MM/YYYY HH:MM:SS` in local time, or in UTC when `utc` is set. */
export function createdOnText(date: Date, utc = false): string {
  const wall = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  const [day = '', time = ''] = wall.toISOString().split('T')
  return `${day.split('-').reverse().join('/')} ${time.slice(0, 8)}`
}

/**
 * The time that `SOURCE_DATE_EPOCH` fixes for reproducible output (seconds since 1970,
 * reproducible-builds.org), or undefined when it is unset or empty. Throws `misuse` when it is not a whole
 * number.
 */
export function sourceDateOf(environment: Readonly<Record<string, string | undefined>>): Date | undefined {
  const text = environment['SOURCE_DATE_EPOCH']
  if (!text) return undefined
  if (!/^\d{1,11}$/.test(text))
    throw misuse(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}; it must be whole seconds since 1970`)
  return new Date(Number(text) * 1000)
}
