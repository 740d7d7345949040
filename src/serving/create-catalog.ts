/** The operations of the management API on the registry and its versions. */
import { badRequest } from '../errors.js'
import type { Catalog } from './catalog.js'
import { maxBelowMin, noSuchDefault, workersFailed } from './errors.js'
import { VersionLoader, type LoaderDeps } from './version-loader.js'
import type { WorkerLimits } from './workers/pool.js'

/** A catalog, and its end. */
export interface OwnedCatalog extends Catalog {
  /** Drains and ends all versions, as far as the drain time allows; nothing can be registered any more. */
  close(): Promise<void>
}

/** Makes the catalog of a server. */
export function createCatalog(deps: LoaderDeps): OwnedCatalog {
  const { registry } = deps
  const loader = new VersionLoader(deps)
  return {
    register: (registration) => loader.load(registration),
    reload: (model, version) => loader.reload(model, version),
    unregister: (model, version) => loader.unload(model, version),
    scale(model, version, limits) {
      checkLimits(limits)
      const ready = registry
        .resolve(model, version)
        .primary.scale(limits)
        .catch((error: unknown) => {
          throw workersFailed(error, { model, version, config: deps.config })
        })
      ready.catch(() => undefined) // whoever does not wait sees it in describe and in the log
      return { ready }
    },
    setDefault(model, version) {
      registry.resolve(model, undefined)
      if (!registry.snapshot.get(model)?.versions.has(version)) throw noSuchDefault(model, version)
      registry.setDefault(model, version)
    },
    list() {
      const models = [...registry.snapshot].sort(([a], [b]) => (a < b ? -1 : 1))
      return models.map(([modelName, { defaultVersion, versions }]) => ({
        modelName,
        modelUrl: registry.resolve(modelName, undefined).primary.spec.url,
        defaultVersion,
        versions: [...versions.keys()],
      }))
    },
    describe(model, version) {
      const isDefault = registry.resolve(model, undefined).primary
      const names = version === 'all' ? [...(registry.snapshot.get(model)?.versions.keys() ?? [])] : [version]
      return names
        .map((name) => registry.resolve(model, name).primary)
        .map((found) => found.describe(found === isDefault))
    },
    close: () => loader.close(),
  }
}

function checkLimits({ min, max }: WorkerLimits): void {
  if (max < min) throw maxBelowMin()
  if (!Number.isSafeInteger(min) || min < 0) throw badRequest(`min_worker must be 0 or more, not ${min}.`)
}
