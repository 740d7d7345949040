/** What one version is, fixed at its registration. */
import type { Examples, ModelSchema, Runtime } from '../archive/manifest.js'
import type { WorkerLife } from '../config/worker-life.js'
import type { LogLevel } from '../log.js'
import type { DispatchOptions } from './dispatch/state.js'
import type { GenerationId } from './registry.js'
import type { DeviceRules } from './workers/devices.js'
import type { LoadedExample } from './workers/warm-up.js'

/** A version's settings: those of the dispatcher, those of its workers, and those that are only shown. */
export interface VersionSpec extends DispatchOptions {
  readonly model: string
  readonly version: string
  readonly generation: GenerationId
  /** As it was registered. */
  readonly url: string
  readonly runtime: Runtime
  readonly handler: string
  /** The interpreter of its workers, where it has one of its own. */
  readonly python?: string
  /** Writable folder of this generation. */
  readonly modelDir: string
  readonly startupTimeoutMs: number
  readonly workerLife: WorkerLife
  /** Time that a client waits for an answer, from the arrival of its request; infinite: as long as it takes. */
  readonly clientTimeoutMs: number
  /** Quietest records of its workers and its handler; undefined: those of the server. */
  readonly logLevel: LogLevel | undefined
  /** How long scaling down and unregistering wait for jobs. */
  readonly drainTimeoutMs: number
  readonly retryItems: boolean
  /** Python workers are forked from one parent that has loaded the model. */
  readonly preloadWorkers: boolean
  /** The model's YAML as plain data; undefined where it has none. */
  readonly modelConfig: unknown
  /** Python handlers keep Pillow's bound on the pixels of a picture. */
  readonly limitImagePixels: boolean
  /** Envelope around the requests of a Python handler. */
  readonly envelope: string | undefined
  /** Python handlers import an installed torchserve's `ts`. */
  readonly installedTs: boolean
  readonly devices: DeviceRules
  readonly loadedAtStartup: boolean
  readonly schema: ModelSchema | undefined
  readonly examples: Examples | undefined
  /** The examples with their bodies: what each worker answers before it gets jobs. */
  readonly warmUps: readonly LoadedExample[]
}
