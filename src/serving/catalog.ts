/** What transports see of models: plain data for listing and describing, and the operations of the management API. */
import type { ModelDevices } from '../config/model-devices.js'
import type { Examples, ModelSchema, Runtime } from '../archive/manifest.js'

/** TorchServe's two public worker states, and Marina's own beside them (`workers[].state`). */
export type WorkerStatus = 'READY' | 'UNLOADING'

/** What a worker takes of its machine. */
export interface WorkerUsage {
  /** Resident bytes, 0 when unknown. */
  readonly memory: number
  /** What its GPUs do, in words; undefined: it runs on the processor. */
  readonly gpu: string | undefined
}

/** One worker slot of a version. */
export interface WorkerDescription {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly startTime: string
  readonly status: WorkerStatus
  /** `starting`, `loading`, `ready`, `busy`, `draining`, `waiting` (before a restart), `stopped`. */
  readonly state: string
  /** -1 until known. */
  readonly pid: number
  /** What it takes now, measured by this call: most who describe do not ask. */
  readonly usage: () => WorkerUsage
  /** Jobs that its process has answered. */
  readonly jobs: number
  readonly restarts: number
  /** Number of the worker whose place it takes when it is ready. */
  readonly replaces?: string
  /** When it stopped being able to serve and has not served since, ISO 8601 UTC; absent while all is well. */
  readonly failingSince?: string
  /** It has failed for longer than the recovery window; it is tried on. */
  readonly isGivenUp: boolean
  /** Why it last died or failed to load, with the last lines of its stderr. */
  readonly lastFailure: { readonly message: string; readonly stderr: readonly string[] } | undefined
}

/** One version of a model. */
export interface VersionDescription {
  readonly modelName: string
  readonly modelVersion: string
  readonly modelUrl: string
  readonly runtime: Runtime
  readonly isDefault: boolean
  readonly minWorkers: number
  readonly maxWorkers: number
  readonly batchSize: number
  readonly maxBatchDelayMs: number
  readonly responseTimeoutMs: number
  readonly startupTimeoutMs: number
  readonly recoveryWindowMs: number
  /** Infinite: clients wait as long as it takes. */
  readonly clientTimeoutMs: number
  readonly jobTickets: boolean
  /** Jobs that may wait or run; infinite: no limit. */
  readonly maxJobs: number
  readonly devices: ModelDevices
  /** Its workers run on GPUs. */
  readonly onGpu: boolean
  readonly loadedAtStartup: boolean
  /** A worker of it has been ready. */
  readonly hasServed: boolean
  readonly workers: readonly WorkerDescription[]
  readonly queue: { readonly capacity: number; readonly pending: number }
  /** Why the last reload failed, ISO 8601 UTC; absent when it did not. This generation went on serving. */
  readonly reloadFailure?: { readonly at: string; readonly message: string }
  /** The load's last change of the number of workers, ISO 8601 UTC; `why` in words. */
  readonly lastScaling?: {
    readonly at: string
    readonly from: number
    readonly to: number
    readonly why: string
  }
  /** The last worker that was replaced because it had served long enough, ISO 8601 UTC; `why` in words. */
  readonly lastRecycling?: {
    readonly at: string
    readonly worker: string
    readonly replacedBy: string
    readonly why: string
  }
  readonly schema: ModelSchema | undefined
  readonly examples: Examples | undefined
  /** Folder of the unpacked archive, from which the page reads examples. */
  readonly modelDir: string
}

/** Parameters of a registration; what is undefined comes from the archive, then from the Config. */
export interface Registration {
  readonly url: string
  readonly modelName?: string | undefined
  readonly handler?: string | undefined
  readonly runtime?: Runtime | undefined
  readonly batchSize?: number | undefined
  readonly maxBatchDelayMs?: number | undefined
  readonly responseTimeoutMs?: number | undefined
  readonly startupTimeoutMs?: number | undefined
  readonly initialWorkers?: number | undefined
  readonly loadedAtStartup?: boolean | undefined
  /** The values count before those of the archive's own file: they are those of a server that had loaded it. */
  readonly exact?: boolean | undefined
  /** Default true: a worker that answers an example of the archive otherwise than promised does not serve. Else it is only logged. */
  readonly examplesBind?: boolean | undefined
  /**
   * Default true: the caller waits for `ready`, and when a worker fails the version is unregistered before `ready`
   * rejects. False: the version stays and its workers are tried again.
   */
  readonly synchronous?: boolean | undefined
}

/**
 * The operations on models that the management API offers. Errors are `MarinaError`s with TorchServe's texts
 * (contract rest-api §3); each call leaves nothing behind when it fails.
 */
export interface Catalog {
  /** Registers and starts `initialWorkers` workers. Resolves when the version is in the registry; `ready` settles with its workers. */
  register(
    registration: Registration,
  ): Promise<{ name: string; version: string; workers: number; ready: Promise<void> }>
  /**
   * Opens the source of a version again (default: the default version), starts and warms as many workers as it has, and
   * moves its requests over. Rejects when the new generation does not come up, and with conflict when it is no more that
   * version; the old one then serves on, and describe says why. `drained` resolves when the old one is gone.
   */
  reload(model: string, version: string | undefined): Promise<{ drained: Promise<void> }>
  /** Drains and removes a version (default: the only one). */
  unregister(model: string, version: string | undefined): Promise<void>
  /** Stores min and max; `ready` settles when new workers are ready, or rejects at the first that fails. */
  scale(
    model: string,
    version: string | undefined,
    workers: { min: number; max: number },
  ): { ready: Promise<void> }
  setDefault(model: string, version: string): void
  /** Names in code-point order, each with its default version's url. */
  list(): readonly {
    modelName: string
    modelUrl: string
    defaultVersion: string
    versions: readonly string[]
  }[]
  /** One version (default: the default), or `'all'`. Throws model-not-found, version-not-found. */
  describe(model: string, version: string | undefined): readonly VersionDescription[]
}
