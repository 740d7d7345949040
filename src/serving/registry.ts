/**
 * Which models and versions there are. Readers see an immutable snapshot of plain data, which is swapped whole; the
 * loaded versions themselves are found by the generation that the snapshot names.
 */
import { modelNotFound, versionNotFound } from '../errors.js'

/** Number of one registration of one version, never used twice by a server: a reload makes a new one. */
export type GenerationId = number & { readonly brand: 'GenerationId' }

/** One model in a snapshot. */
export interface ModelEntry {
  /** The version that gets requests which name none: a route of weight 1. */
  readonly defaultVersion: string
  /** Versions in order of registration. */
  readonly versions: ReadonlyMap<string, GenerationId>
}

/** All models by name. */
export type Snapshot = ReadonlyMap<string, ModelEntry>

/** Where a request goes: to the version that answers, and to those that only see a copy of it. */
export interface Route<V> {
  readonly primary: V
  /** Empty until a model's route names shadows. */
  readonly shadows: readonly V[]
}

/** The registry of versions of type `V`. */
export interface Registry<V> {
  readonly snapshot: Snapshot
  /** Throws model-not-found and version-not-found. Without `version`: the default at this moment. */
  resolve(model: string, version: string | undefined): Route<V>
  /** Adds a version; the first one of a name becomes its default. The caller has made sure that it is not there yet. */
  add(key: { model: string; version: string; generation: GenerationId }, value: V): void
  /** Puts another generation in the place of the version that is there, its default included: the next request goes to it. */
  replace(key: { model: string; version: string; generation: GenerationId }, value: V): void
  /** Takes a version out, and the name with its last one. The caller has made sure that it may go. */
  remove(model: string, version: string): void
  /** The version must be there. */
  setDefault(model: string, version: string): void
}

/** An empty registry. */
export function createRegistry<V>(): Registry<V> {
  let snapshot: Snapshot = new Map()
  const routes = new Map<GenerationId, Route<V>>()
  const entryOf = (model: string) => {
    const entry = snapshot.get(model)
    if (!entry) throw modelNotFound(model)
    return entry
  }
  const swap = (model: string, entry: ModelEntry | undefined) => {
    const next = new Map(snapshot)
    if (entry) next.set(model, entry)
    else next.delete(model)
    snapshot = next
  }
  return {
    get snapshot() {
      return snapshot
    },
    resolve(model, version) {
      const entry = entryOf(model)
      const generation = entry.versions.get(version ?? entry.defaultVersion)
      const route = generation === undefined ? undefined : routes.get(generation)
      if (!route) throw versionNotFound(model, version ?? entry.defaultVersion)
      return route
    },
    add({ model, version, generation }, value) {
      const entry = snapshot.get(model)
      routes.set(generation, { primary: value, shadows: [] })
      swap(model, {
        defaultVersion: entry?.defaultVersion ?? version,
        versions: new Map([...(entry?.versions ?? []), [version, generation]]),
      })
    },
    replace({ model, version, generation }, value) {
      const entry = entryOf(model)
      const old = entry.versions.get(version)
      routes.set(generation, { primary: value, shadows: [] })
      swap(model, { ...entry, versions: new Map([...entry.versions, [version, generation]]) })
      if (old !== undefined) routes.delete(old)
    },
    remove(model, version) {
      const entry = entryOf(model)
      const generation = entry.versions.get(version)
      if (generation !== undefined) routes.delete(generation)
      const versions = new Map([...entry.versions].filter(([name]) => name !== version))
      swap(model, versions.size === 0 ? undefined : { ...entry, versions })
    },
    setDefault(model, version) {
      swap(model, { ...entryOf(model), defaultVersion: version })
    },
  }
}
