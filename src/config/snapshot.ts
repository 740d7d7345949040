/** `model_snapshot`: which models a server had, as JSON (contract server-config §11). */
import { entriesOf, parseObject } from './per-model.js'
import type { Kind } from './values.js'

/** One version in a snapshot. Times are in milliseconds here and in seconds in the file, apart from the batch delay. */
export interface SnapshotVersion {
  readonly defaultVersion: boolean
  /** Name of the archive in the model store. */
  readonly marName: string
  readonly minWorkers: number
  readonly maxWorkers: number
  readonly batchSize: number
  readonly maxBatchDelayMs: number
  readonly responseTimeoutMs: number
  readonly startupTimeoutMs: number
  readonly runtime: string
}

/** All models of a server at one moment. */
export interface Snapshot {
  readonly name: string
  /** Milliseconds since 1970; hand-written snapshots have none. */
  readonly createdMs: number | undefined
  readonly models: ReadonlyMap<string, ReadonlyMap<string, SnapshotVersion>>
}

/** Reads hand-written and older snapshots too: the times and the runtime may be missing. */
export const modelSnapshot: Kind<Snapshot | undefined> = {
  placeholder: 'JSON',
  parse(text) {
    if (text.trim() === '') return { value: undefined }
    const document = parseObject(text)
    if (!document) return { mustBe: 'a JSON object' }
    try {
      return { value: snapshotOf(new Map(entriesOf(document))) }
    } catch (error) {
      if (error instanceof WrongField) return { mustBe: `a snapshot of models: ${error.message}` }
      throw error
    }
  },
  print: (value) => (value === undefined ? '' : printSnapshot(value)),
}

/** Carries the field out of the nested object. */
class WrongField extends Error {}

function snapshotOf(fields: ReadonlyMap<string, unknown>): Snapshot {
  const name = fields.get('name')
  const created = fields.get('created')
  const count = fields.get('modelCount')
  // Without a count, or with none, TorchServe starts empty.
  const models = typeof count === 'number' && count > 0 ? entriesOf(fields.get('models')) : []
  return {
    name: typeof name === 'string' ? name : '',
    createdMs: typeof created === 'number' ? created : undefined,
    models: new Map(
      models.map(([model, versions]) => [
        model,
        new Map(
          entriesOf(versions).map(([version, values]) => [
            version,
            versionOf(new Map(entriesOf(values)), `${model} ${version}`),
          ]),
        ),
      ]),
    ),
  }
}

const TORCHSERVE_TIMEOUT_SECONDS = 120

function versionOf(fields: ReadonlyMap<string, unknown>, where: string): SnapshotVersion {
  const number = (field: string, absent?: number): number => {
    const value = fields.get(field) ?? absent
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    throw new WrongField(`${field} of ${where} must be a number`)
  }
  const marName = fields.get('marName')
  if (typeof marName !== 'string' || marName === '')
    throw new WrongField(`marName of ${where} must be the name of an archive`)
  const runtime = fields.get('runtimeType')
  return {
    defaultVersion: fields.get('defaultVersion') === true,
    marName,
    minWorkers: number('minWorkers'),
    maxWorkers: number('maxWorkers'),
    batchSize: number('batchSize'),
    maxBatchDelayMs: number('maxBatchDelay'),
    responseTimeoutMs: 1000 * number('responseTimeout', TORCHSERVE_TIMEOUT_SECONDS),
    startupTimeoutMs: 1000 * number('startupTimeout', TORCHSERVE_TIMEOUT_SECONDS),
    runtime: typeof runtime === 'string' ? runtime : 'python',
  }
}

/** The JSON that TorchServe writes, fields in its order, indented by two blanks. */
export function printSnapshot({ name, createdMs, models }: Snapshot): string {
  const versions = [...models].map(([model, byVersion]) => {
    const printed = [...byVersion].map(([version, settings]) => [version, printVersion(settings)] as const)
    return [model, Object.fromEntries(printed)] as const
  })
  const modelCount = [...models.values()].reduce((sum, byVersion) => sum + byVersion.size, 0)
  return JSON.stringify(
    { name, modelCount, created: createdMs, models: Object.fromEntries(versions) },
    undefined,
    2,
  )
}

const printVersion = (version: SnapshotVersion) => ({
  defaultVersion: version.defaultVersion,
  marName: version.marName,
  minWorkers: version.minWorkers,
  maxWorkers: version.maxWorkers,
  batchSize: version.batchSize,
  maxBatchDelay: version.maxBatchDelayMs,
  responseTimeout: version.responseTimeoutMs / 1000,
  startupTimeout: version.startupTimeoutMs / 1000,
  runtimeType: version.runtime,
})
