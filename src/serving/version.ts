/**
 * One loaded version of a model: a queue of jobs and the slots of the workers that work it off. Everything that waits
 * here ends: by an answer, or by a refusal when the version goes away or can never answer.
 */
import type { Clock } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { VersionDescription } from './catalog.js'
import { noWorker, queueFull } from './errors.js'
import type { Acceptor } from './infer.js'
import { JobQueue } from './dispatch/job-queue.js'
import type { LiveJob } from './job.js'
import type { ServingMetrics } from './metrics.js'
import type { Devices } from './workers/devices.js'
import { WorkerPool, type WorkerLimits } from './workers/pool.js'
import type { CreateSlot, SlotHost } from './workers/slot-host.js'
import type { StartQueue } from './workers/start-queue.js'
import type { Upkeep } from './workers/upkeep.js'
import type { VersionSpec } from './version-spec.js'

/** What a version needs of its surroundings. */
export interface VersionDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ServingMetrics
  readonly createSlot: CreateSlot
  readonly starts: StartQueue
  readonly upkeep: Upkeep
  readonly gpus: Devices
}

/** A loaded version. It owns its queue and its workers. */
export class LoadedVersion implements Acceptor {
  readonly spec: VersionSpec
  readonly #deps: VersionDeps
  readonly #queue: JobQueue
  readonly #pool: WorkerPool
  #hasServed = false
  #closed: Promise<void> | undefined
  #reloadFailure: VersionDescription['reloadFailure']

  constructor(spec: VersionSpec, deps: VersionDeps) {
    this.spec = spec
    this.#deps = deps
    this.#queue = new JobQueue(spec, deps.clock)
    const { model, version } = spec
    this.#pool = new WorkerPool(spec, {
      ...deps,
      queue: this.#queue,
      mostWorkers: deps.gpus.mostWorkers(spec.devices),
      createSlot: (like) => deps.createSlot(spec, this.#host, like),
      onScaled: (direction) => deps.metrics.scaled({ model, version }, direction),
      onEnded: (slot) => deps.metrics.slotEnded({ model, version, slot }),
      onRecycled: (cause) => deps.metrics.recycled({ model, version }, cause),
    })
  }

  get version(): string {
    return this.spec.version
  }

  get clientTimeoutMs(): number {
    return this.spec.clientTimeoutMs
  }

  get limits(): WorkerLimits {
    return this.#pool.limits
  }

  /** How many there are now, whatever their state. */
  get workers(): number {
    return this.#pool.slots.length
  }

  accept(job: LiveJob): void {
    const { model, version } = this.spec
    const hopeless = !this.#pool.slots.some((slot) => !slot.isGivenUp)
    const refusal = hopeless ? 'no-worker' : this.#queue.refusal
    if (refusal === undefined) {
      this.#queue.accept(job)
      return
    }
    this.#deps.metrics.refused({ model, version }, refusal)
    throw hopeless ? noWorker(model) : queueFull(model, this.#queue.queueTimeMs)
  }

  giveUp(job: LiveJob, why: string): void {
    this.#deps.log.warn(`An answer was given up: ${why}`, { id: job.request.id })
    this.#queue.hangUp(job.key)
  }

  /** See `WorkerPool.scale`. */
  scale(limits: WorkerLimits, least?: number): Promise<void> {
    return this.#pool.scale(limits, least)
  }

  /** Refuses new jobs, lets those that are there finish within the drain time (or refuses them too), and ends all workers. */
  close({ drain }: { drain: boolean }): Promise<void> {
    if (!drain) this.#queue.refuse(noWorker(this.spec.model).message)
    this.#closed ??= this.#pool.close().then(() => this.#queue.stop())
    return this.#closed
  }

  readonly #host: SlotHost = {
    onReady: (worker, ready) => {
      this.#hasServed = true
      this.#queue.join(worker, ready)
      const { model, version } = this.spec
      this.#deps.metrics.workerReady({ model, version, slot: ready.slot, loadMs: ready.loadMs })
    },
    onMessage: (worker, message) => this.#queue.receive(worker, message),
    onDrain: (worker) => this.#queue.retire(worker),
    onMetric: (metric) => {
      const { model, version } = this.spec
      this.#deps.metrics.fromHandler({ model, version }, metric)
    },
    onExit: ({ worker, death, wanted }) => {
      const { model, version } = this.spec
      if (worker !== undefined) this.#queue.leave(worker, death)
      if (!wanted) this.#deps.metrics.workerDied({ model, version })
    },
    onMoved: () => {
      if (this.#pool.isHopeless) this.#queue.refuse(noWorker(this.spec.model).message)
    },
  }

  /** A later generation did not come up: this one serves on, and says why. */
  reloadFailed(error: unknown): void {
    this.#reloadFailure = { at: new Date().toISOString(), message: messageOf(error) }
  }

  describe(isDefault: boolean): VersionDescription {
    const { spec } = this
    return {
      modelName: spec.model,
      modelVersion: spec.version,
      modelUrl: spec.url,
      runtime: spec.runtime,
      isDefault,
      minWorkers: this.#pool.limits.min,
      maxWorkers: this.#pool.limits.max,
      batchSize: spec.batchSize,
      maxBatchDelayMs: spec.maxBatchDelayMs,
      responseTimeoutMs: spec.responseTimeoutMs,
      startupTimeoutMs: spec.startupTimeoutMs,
      recoveryWindowMs: spec.workerLife.recoveryWindowMs,
      clientTimeoutMs: spec.clientTimeoutMs,
      jobTickets: spec.jobTickets,
      maxJobs: spec.maxJobs,
      devices: spec.devices,
      onGpu: this.#deps.gpus.gpusOf(spec.devices).length > 0,
      loadedAtStartup: spec.loadedAtStartup,
      hasServed: this.#hasServed,
      queue: { capacity: spec.queueSize, pending: this.#queue.waiting },
      ...(this.#reloadFailure && { reloadFailure: this.#reloadFailure }),
      ...this.#pool.describe(),
      schema: spec.schema,
      examples: spec.examples,
      modelDir: spec.modelDir,
    }
  }
}
