/** The plain numbers that the request path adds to, beside what the metrics file defines. */
import { SECONDS, createBuckets, type Buckets } from './buckets.js'

/** Phases of a request, in seconds; those that it never reached are undefined. */
export interface PhaseSeconds {
  readonly decode: number | undefined
  readonly queue: number | undefined
  readonly preprocess: number | undefined
  readonly inference: number | undefined
  readonly postprocess: number | undefined
  /** From the start of its batch to its end, the worker's handler left out. */
  readonly transfer: number | undefined
  readonly total: number
}

/** Names of the phases, as the label `phase` has them. */
export const PHASES = ['decode', 'queue', 'preprocess', 'inference', 'postprocess', 'total'] as const

/** One settled request. */
export interface SettledRequest {
  readonly model: string
  /** The version that answered. */
  readonly version: string
  /** The version that the client named, if it did. */
  readonly requestedVersion: string | undefined
  readonly id: string
  readonly outcome: string
  /** A handler answered it: its times count as latency. */
  readonly answered: boolean
  readonly phases: PhaseSeconds
  readonly replays: number
}

/** One version's state at the moment of a scrape. */
export interface VersionGauges {
  readonly model: string
  readonly version: string
  readonly waiting: number
  readonly workers: readonly { readonly state: string; readonly restarts: number }[]
}

/** Counts of the version that answered. */
export interface VersionCounts {
  readonly phases: Record<(typeof PHASES)[number], Buckets>
  readonly outcomes: Map<string, number>
  readonly refusals: Map<string, number>
  replays: number
  deaths: number
  /** Workers that the load added and took away. */
  readonly scalings: { up: number; down: number }
  /** Workers that were replaced, by cause. */
  readonly recyclings: { jobs: number; memory: number }
}

/** Two-level table that makes its entries on first use, so that no key text is built for each request. */
export class ByVersion<T> {
  readonly #models = new Map<string, Map<string, T>>()
  readonly #create: (model: string, version: string) => T

  constructor(create: (model: string, version: string) => T) {
    this.#create = create
  }

  of(model: string, version: string): T {
    let versions = this.#models.get(model)
    if (!versions) this.#models.set(model, (versions = new Map<string, T>()))
    let entry = versions.get(version)
    if (entry === undefined) versions.set(version, (entry = this.#create(model, version)))
    return entry
  }

  *entries(): Generator<{ model: string; version: string; entry: T }> {
    for (const [model, versions] of this.#models)
      for (const [version, entry] of versions) yield { model, version, entry }
  }
}

/** All counts of a server. */
export interface Counts {
  readonly hangUps: Map<string, number>
  readonly versions: ByVersion<VersionCounts>
}

/** Makes {@link Counts} at zero. */
export const createCounts = (): Counts => ({
  hangUps: new Map(),
  versions: new ByVersion(() => ({
    phases: {
      decode: createBuckets(SECONDS),
      queue: createBuckets(SECONDS),
      preprocess: createBuckets(SECONDS),
      inference: createBuckets(SECONDS),
      postprocess: createBuckets(SECONDS),
      total: createBuckets(SECONDS),
    },
    outcomes: new Map(),
    refusals: new Map(),
    replays: 0,
    deaths: 0,
    scalings: { up: 0, down: 0 },
    recyclings: { jobs: 0, memory: 0 },
  })),
})
