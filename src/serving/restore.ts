/** Loads the models that a snapshot names, as they were (contract server-config §11, restore rules). */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Snapshot, SnapshotVersion } from '../config/snapshot.js'
import { MarinaError, messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { Catalog } from './catalog.js'
import type { Declared } from './declared.js'

/** What restoring works with. */
export interface RestoreDeps {
  readonly catalog: Catalog
  /** Absolute path; undefined: there is none, and no archive is found. */
  readonly modelStore: string | undefined
  readonly log: Logger
}

interface Restored extends SnapshotVersion {
  readonly model: string
  readonly version: string
}

/**
 * Registers every version with the values of the snapshot. A version that cannot be loaded ends the restoring, and is
 * logged; it and those after it are left out.
 * @throws MarinaError `invalid-file` before anything is loaded, when an archive is not in the model store
 */
export async function restoreModels(snapshot: Snapshot, deps: RestoreDeps): Promise<Declared[]> {
  const { log } = deps
  const versions = [...snapshot.models].flatMap(([model, byVersion]) =>
    [...byVersion].map(([version, settings]): Restored => ({ model, version, ...settings })),
  )
  for (const restored of versions) checkArchive(restored, deps)
  if (versions.length === 0)
    log.warn('The snapshot names no models: starting without any.', { snapshot: snapshot.name })
  const declared: Declared[] = []
  for (const [at, restored] of versions.entries()) {
    const { model, version } = restored
    try {
      const { name, version, ready } = await restore(restored, deps)
      declared.push({ kind: 'registered', model: name, version, ready })
    } catch (error) {
      log.error('A model of the snapshot cannot be loaded; those after it are left out.', {
        model,
        version,
        error,
      })
      const why = `version ${version}: ${messageOf(error)}`
      const after = versions
        .slice(at + 1)
        .map((one) => leftOut(one, `it stands after ${model}, which failed`))
      return [...declared, leftOut(restored, why), ...after]
    }
  }
  return declared
}

const leftOut = ({ model }: Restored, why: string): Declared => ({ kind: 'left-out', model, why })

function checkArchive({ model, version, marName }: Restored, { modelStore }: RestoreDeps): void {
  const found = modelStore !== undefined && statSync(join(modelStore, marName), { throwIfNoEntry: false })
  if (!found)
    throw new MarinaError(
      'invalid-file',
      `Model archive file for model :${model}, version :${version} not found in model store`,
    )
}

/** Does not wait for the workers. */
async function restore(
  restored: Restored,
  { catalog, log }: RestoreDeps,
): Promise<Awaited<ReturnType<Catalog['register']>>> {
  const { model, marName, minWorkers, maxWorkers, batchSize, maxBatchDelayMs } = restored
  const { responseTimeoutMs, startupTimeoutMs } = restored
  const registered = await catalog.register({
    url: marName,
    modelName: model,
    initialWorkers: minWorkers,
    batchSize,
    maxBatchDelayMs,
    responseTimeoutMs,
    startupTimeoutMs,
    exact: true,
    synchronous: false,
  })
  const { version } = registered
  if (maxWorkers > minWorkers) catalog.scale(model, version, { min: minWorkers, max: maxWorkers })
  if (restored.defaultVersion) catalog.setDefault(model, version)
  log.info(`Model ${model} loaded.`)
  return registered
}
