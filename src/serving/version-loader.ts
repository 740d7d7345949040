/** Puts versions into the registry and takes them out, with the folders and workers that belong to them. */
import type { Runtime } from '../archive/manifest.js'
import type { Config } from '../config/config.js'
import type { ModelNeeds } from '../worker/python-runtime.js'
import type { Registration } from './catalog.js'
import { createSpec, type OpenedGeneration } from './create-spec.js'
import { download, type FetchedArchive } from './download.js'
import {
  alreadyRegistered,
  defaultVersionInUse,
  noWorker,
  overtaken,
  sourceChanged,
  workersFailed,
} from './errors.js'
import type { GenerationId, Registry } from './registry.js'
import { findSource } from './source.js'
import type { VersionSpec } from './version-spec.js'
import { grantedCores } from './workers/threads.js'
import { LoadedVersion, type VersionDeps } from './version.js'
import type { WorkerLimits } from './workers/pool.js'

export type { OpenedGeneration } from './create-spec.js'

/** What loading works with. */
export interface LoaderDeps extends VersionDeps {
  readonly config: Config
  readonly registry: Registry<LoadedVersion>
  /** Unpacks the archive, or opens the folder, at `path`. Rejects with invalid-archive, leaving nothing behind. */
  readonly openGeneration: (path: string) => Promise<OpenedGeneration>
  /**
   * Makes sure that workers of a runtime can be started, with the packages that the model requires: says which interpreter has
   * them, where it is not the runtime's own. Rejects with worker-failed, saying what is missing.
   */
  readonly prepareRuntime?: (runtime: Runtime, model: ModelNeeds) => Promise<string | undefined>
  /** Workers of a model of the start for which nobody names a number; default: the cores that the cgroup grants. */
  readonly cores?: number
}

/** A version that stands in the registry; `ready` settles with its first workers and may be ignored. */
export interface Loaded {
  readonly name: string
  readonly version: string
  readonly workers: number
  readonly ready: Promise<void>
}

/** What belongs to a version until it is removed. */
interface Opened {
  readonly generation: OpenedGeneration
  readonly archive: FetchedArchive
}

/** What a version was loaded from, and the workers that were asked for then. */
interface Origin {
  readonly registration: Registration
  readonly opened: Opened
  readonly limits: WorkerLimits
}

/** Owns the generations of all registered versions. */
export class VersionLoader {
  readonly #deps: LoaderDeps
  readonly #origins = new Map<LoadedVersion, Origin>()
  readonly #loading = new Set<Promise<unknown>>()
  readonly #unloading = new Set<Promise<void>>()
  #lastGeneration = 0
  /** Aborted when the server ends: nothing more is fetched, and nothing enters the registry. */
  readonly #end = new AbortController()

  constructor(deps: LoaderDeps) {
    this.#deps = deps
  }

  /** Registers a version and starts its workers. Rejects with the errors of the contract, leaving nothing behind. */
  load(registration: Registration): Promise<Loaded> {
    return this.#underWay(this.#load(registration))
  }

  async #load(registration: Registration): Promise<Loaded> {
    const archive = await this.#archiveOf(registration.url)
    try {
      return await this.#open(registration, archive, (spec, origin) => this.#enter(spec, origin))
    } catch (error) {
      await archive.remove()
      throw error
    }
  }

  /** See `Catalog.reload`. */
  reload(model: string, version: string | undefined): Promise<{ drained: Promise<void> }> {
    return this.#underWay(this.#reload(model, version))
  }

  /** The end of the server waits for it. */
  #underWay<T>(work: Promise<T>): Promise<T> {
    const loading = work.finally(() => this.#loading.delete(loading))
    this.#loading.add(loading)
    return loading
  }

  async #reload(model: string, version: string | undefined): Promise<{ drained: Promise<void> }> {
    const old = this.#deps.registry.resolve(model, version).primary
    try {
      const next = await this.#successor(old)
      await next.scale(old.limits, old.workers).catch(async (error: unknown) => {
        await this.#remove(next, { drain: false, keepArchive: true })
        throw error
      })
      return await this.#succeed(old, next)
    } catch (error) {
      old.reloadFailed(error)
      throw error
    }
  }

  /** A new generation of what `old` was loaded from, without workers, in no route yet. A fetched archive is not fetched again. */
  async #successor(old: LoadedVersion): Promise<LoadedVersion> {
    const origin = this.#origins.get(old)
    if (!origin) throw overtaken(old.spec.model, old.version)
    return this.#open(origin.registration, origin.opened.archive, (spec, opened) => {
      const { model, version } = spec
      if (this.#end.signal.aborted) throw noWorker(model)
      if (model !== old.spec.model || version !== old.version)
        throw sourceChanged(old.spec, { model, version })
      return this.#create(spec, opened)
    })
  }

  /** From the look at the registry to the swap nothing is awaited; what was accepted before it is the old one's to answer. */
  async #succeed(old: LoadedVersion, next: LoadedVersion): Promise<{ drained: Promise<void> }> {
    const { registry } = this.#deps
    const { model, version, generation } = next.spec
    if (registry.snapshot.get(model)?.versions.get(version) !== old.spec.generation) {
      await this.#remove(next, { drain: false, keepArchive: true })
      throw overtaken(model, version)
    }
    registry.replace({ model, version, generation }, next)
    // Scaled in the meantime: those workers come in the background, as they would have.
    if (next.limits.min !== old.limits.min || next.limits.max !== old.limits.max)
      void next.scale(old.limits).catch(() => undefined)
    return { drained: this.#remove(old, { drain: true, keepArchive: true }) }
  }

  /** An archive from a URL stands in the model store from here on, until it is removed with its version. */
  async #archiveOf(url: string): Promise<FetchedArchive> {
    const { config, log } = this.#deps
    const { modelStore, allowedUrls, maxDownloadBytes: maxBytes } = config
    const explicitPaths = config.profile === 'marina'
    const source = findSource(url, { modelStore, explicitPaths, allowedUrls })
    if (source.kind !== 'remote') return { path: source.path, remove: () => Promise.resolve() }
    const { signal } = this.#end
    return download(url, { modelStore: modelStore ?? '', allowedUrls, maxBytes, log, signal })
  }

  async #open<T>(
    registration: Registration,
    archive: FetchedArchive,
    use: (spec: VersionSpec, origin: Origin) => T,
  ): Promise<T> {
    const { config, cores = grantedCores(), gpus, log } = this.#deps
    const generation = await this.#deps.openGeneration(archive.path)
    try {
      const id = ++this.#lastGeneration as GenerationId // the only maker of the brand
      const { spec, limits } = await createSpec(registration, { generation, id, config, cores, gpus, log })
      const { model, modelDir, runtime } = spec
      const { requirementsFile } = generation.manifest.model
      const needs = { model, modelDir, requirementsFile, signal: this.#end.signal }
      const python = await this.#deps.prepareRuntime?.(runtime, needs)
      return use(python === undefined ? spec : { ...spec, python }, {
        registration,
        opened: { generation, archive },
        limits,
      })
    } catch (error) {
      await generation.close()
      throw error
    }
  }

  /** Takes a version out of the registry at once, drains it, and removes its folder. */
  async unload(model: string, version: string | undefined): Promise<void> {
    const { registry } = this.#deps
    const found = registry.resolve(model, version).primary
    const entry = registry.snapshot.get(model)
    if (entry && entry.versions.size > 1 && entry.defaultVersion === found.version)
      throw defaultVersionInUse(model)
    await this.#remove(found, { drain: true, keepArchive: false })
    this.#deps.log.info(`Model ${found.spec.model} unregistered.`)
  }

  /** Unloads everything, all at once; nothing can be loaded any more. Fetched archives stay in the model store. */
  async close(): Promise<void> {
    this.#end.abort(new Error('the server is stopping'))
    const all = [...this.#origins.keys()].map((version) =>
      this.#remove(version, { drain: true, keepArchive: true }),
    )
    await Promise.all([...all, ...this.#unloading, Promise.allSettled(this.#loading)])
  }

  /** From here to the registry nothing is awaited, so that two registrations of one version cannot both pass. */
  #enter(spec: VersionSpec, origin: Origin): Loaded {
    const { registry } = this.#deps
    const { model, version: name } = spec
    if (this.#end.signal.aborted) throw noWorker(model)
    if (registry.snapshot.get(model)?.versions.has(name)) throw alreadyRegistered(model, name)
    const version = this.#create(spec, origin)
    registry.add({ model, version: name, generation: spec.generation }, version)
    this.#deps.log.info(`Model ${model} loaded.`)
    const { limits, registration } = origin
    const ready = this.#firstWorkers(version, { limits, synchronous: registration.synchronous ?? true })
    ready.catch(() => undefined) // whoever does not wait sees it in describe and in the log
    return { name: model, version: name, workers: version.limits.min, ready }
  }

  #create(spec: VersionSpec, origin: Origin): LoadedVersion {
    const log = this.#deps.log.child({ model: spec.model, version: spec.version })
    const version = new LoadedVersion(spec, { ...this.#deps, log })
    this.#origins.set(version, origin)
    return version
  }

  async #firstWorkers(
    version: LoadedVersion,
    { limits, synchronous }: { limits: WorkerLimits; synchronous: boolean },
  ): Promise<void> {
    try {
      await version.scale(limits)
    } catch (error) {
      if (synchronous) await this.#remove(version, { drain: false, keepArchive: false })
      const { model, version: name } = version.spec
      throw workersFailed(error, { model, version: name, config: this.#deps.config })
    }
  }

  /** A fetched archive is kept when the server ends, as TorchServe keeps it: its snapshot names the file. */
  #remove(version: LoadedVersion, how: { drain: boolean; keepArchive: boolean }): Promise<void> {
    const { registry, log } = this.#deps
    const { model, version: name, generation: id } = version.spec
    const opened = this.#origins.get(version)?.opened
    this.#origins.delete(version)
    if (registry.snapshot.get(model)?.versions.get(name) === id) registry.remove(model, name)
    const removed = version
      .close(how)
      .then(() => opened?.generation.close())
      .then(() => (how.keepArchive ? undefined : opened?.archive.remove()))
      .catch((error: unknown) =>
        log.error('The folder of a version could not be removed.', { model, name, error }),
      )
      .finally(() => this.#unloading.delete(removed))
    this.#unloading.add(removed)
    return removed
  }
}
