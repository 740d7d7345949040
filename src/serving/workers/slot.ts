/**
 * One worker slot: moves through `worker/lifecycle.ts` and does what that machine orders, with one process after
 * another under one number.
 */
import type { Clock } from '../../clock.js'
import { MarinaError } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { DownMessage } from '../../protocol/messages.js'
import {
  moveWorker,
  startWorker,
  type FailedStarts,
  type StopReason,
  type WorkerHappening,
  type WorkerMove,
  type WorkerState,
} from '../../worker/lifecycle.js'
import type { WorkerFactory, WorkerSpec } from '../../worker/worker.js'
import type { WorkerDescription } from '../catalog.js'
import type { KeySource } from '../create-job.js'
import type { Devices, Placement } from './devices.js'
import type { GpuUsage } from './gpu-usage.js'
import { describeSlot } from './describe-slot.js'
import type { WorkerId } from '../dispatch/state.js'
import type { Slot, SlotHost } from './slot-host.js'
import { boundOf, mib, type Wear } from './recycling.js'
import { residentBytes } from './resident-bytes.js'
import { noWords, torchserveWords, type SlotWords } from './slot-words.js'
import { workerSpecOf } from './worker-spec.js'
import { SlotProcess, type ProcessEnd } from './slot-process.js'
import type { VersionSpec } from '../version-spec.js'

/** What slots are made with. */
export interface SlotDeps {
  readonly factory: WorkerFactory
  readonly clock: Clock
  readonly log: Logger
  readonly nextKey: KeySource
  /** Numbers of slots and of processes, each never used twice by a server. */
  readonly nextSlot: () => number
  readonly nextWorker: () => WorkerId
  /** The log says TorchServe's words beside our own. */
  readonly torchserveWords?: boolean
  /** Metrics that are defined for handlers, as the workers get them. */
  readonly metrics?: unknown
  /** Threads for the native code of a worker that starts now. */
  readonly threads: (runtime: WorkerSpec['runtime']) => number
  readonly gpus: Devices
  readonly gpuUsage: GpuUsage
}

/** Whom a slot reports to, and beside whom it runs. */
export interface SlotOptions {
  readonly host: SlotHost
  /** The slot whose place it is to take: it runs on the same device. */
  readonly like?: Slot | undefined
  readonly deps: SlotDeps
}

/** A slot. It owns at most one process at a time. */
export class WorkerSlot implements Slot {
  readonly ready: Promise<void>
  readonly number: number
  readonly placement: Placement
  readonly #createdEpochMs = Date.now()
  readonly #spec: VersionSpec
  readonly #host: SlotHost
  readonly #deps: SlotDeps
  readonly #log: Logger
  readonly #words: SlotWords
  /** Undefined before the first start. */
  #state: WorkerState | undefined
  #process: SlotProcess | undefined
  #starts = 0
  /** Of the process that runs now. */
  #born = { startedMs: 0, readyMs: 0, readyBytes: 0 }
  #lastFailure: WorkerDescription['lastFailure']
  #cancelWake: () => void = () => undefined
  #cancelGivingUp: () => void = () => undefined
  #becomeReady: () => void = () => undefined
  #failReady: (error: MarinaError) => void = () => undefined
  readonly #whenGone: (() => void)[] = []

  constructor(spec: VersionSpec, { host, like, deps }: SlotOptions) {
    this.number = deps.nextSlot()
    this.placement = like?.placement ?? deps.gpus.place(spec.devices)
    this.#spec = spec
    this.#host = host
    this.#deps = deps
    const { model, version, logLevel: level } = spec
    this.#log = deps.log.child({ model, version, worker: this.number }, { level })
    const named = { slot: this.number, thread: `W-${this.number}-${model}_${version}` }
    this.#words = deps.torchserveWords ? torchserveWords(this.#log, named) : noWords
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve
      this.#failReady = reject
    })
    this.ready.catch(() => undefined) // who does not wait for it reads the log and describe
  }

  get isGivenUp(): boolean {
    const failed = this.#failed
    const { recoveryWindowMs } = this.#spec.workerLife
    return failed !== undefined && this.#deps.clock.nowMs() - failed.sinceMs >= recoveryWindowMs
  }

  get isReady(): boolean {
    return this.#state?.kind === 'ready'
  }

  get wear(): Wear | undefined {
    if (this.#state?.kind !== 'ready' || !this.#process) return undefined
    return { ...this.#born, pid: this.#state.pid, jobs: this.#process.answered }
  }

  start(): void {
    if (!this.#state) this.#apply(startWorker(this.#deps.clock.nowMs(), this.#spec))
  }

  send(message: Extract<DownMessage, { kind: 'jobs' | 'cancel' }>): void {
    this.#process?.send(message)
  }

  kill(why: string): void {
    this.#words.overdue('request')
    this.#process?.kill(why)
  }

  async end(reason: StopReason, atOnce: Promise<void>): Promise<void> {
    this.#failReady(new MarinaError('worker-failed', `the worker was ended before it was ready (${reason})`))
    if (this.#state) this.#move({ kind: 'stop', reason })
    else this.#state = { kind: 'stopped', reason }
    this.#cancelWake()
    this.#cancelGivingUp()
    void atOnce.then(() => this.#process?.kill('it had not finished within the drain time'))
    if (this.#process) await new Promise<void>((resolve) => this.#whenGone.push(resolve))
  }

  describe(): WorkerDescription {
    const { gpus } = this.placement
    return describeSlot({
      number: this.number,
      createdEpochMs: this.#createdEpochMs,
      state: this.#state,
      nowMs: this.#deps.clock.nowMs(),
      gpuUsage: () => (gpus.length > 0 ? this.#deps.gpuUsage.of(gpus) : undefined),
      jobs: this.#process?.answered ?? 0,
      restarts: Math.max(0, this.#starts - 1),
      isGivenUp: this.isGivenUp,
      lastFailure: this.#lastFailure,
    })
  }

  #move(event: WorkerHappening): void {
    if (!this.#state) return
    const { startupTimeoutMs } = this.#spec
    this.#apply(moveWorker(this.#state, event, { startupTimeoutMs, nowMs: this.#deps.clock.nowMs() }))
  }

  #apply({ state, effects }: WorkerMove): void {
    const before = this.#state
    this.#state = state
    this.#words.moved(before, state)
    for (const effect of effects) {
      switch (effect.kind) {
        case 'start':
          this.#startProcess()
          break
        case 'drain':
          void this.#drain()
          break
        case 'kill':
          if (state.kind === 'loading') this.#words.overdue('load')
          this.#process?.kill(effect.why)
          break
        case 'wakeAt':
          this.#wakeAt(effect.atMs)
          break
        default:
          effect satisfies never
      }
    }
  }

  #wakeAt(atMs: number): void {
    this.#cancelWake()
    const delayMs = atMs - this.#deps.clock.nowMs()
    this.#cancelWake = this.#deps.clock.wakeIn(delayMs, () => this.#move({ kind: 'tick' }))
  }

  async #drain(): Promise<void> {
    const process = this.#process
    if (!process) return
    await this.#host.onDrain(process.id)
    process.send({ kind: 'stop' })
  }

  #startProcess(): void {
    const { factory, nextKey, nextWorker, threads, metrics } = this.#deps
    const { placement, number: slot } = this
    const spec = workerSpecOf(this.#spec, { slot, placement, threads, metrics })
    const { warmUps } = this.#spec
    const id = nextWorker()
    this.#starts++
    // So that describe has something to say by the time it is asked.
    if (placement.gpus.length > 0) this.#deps.gpuUsage.refresh()
    this.#born = { startedMs: this.#deps.clock.nowMs(), readyMs: 0, readyBytes: 0 }
    this.#process = new SlotProcess(
      { id, spec, warmUps, factory, nextKey, log: this.#log },
      {
        onSpawned: (pid) => {
          this.#words.spawned(pid)
          this.#move({ kind: 'spawned', pid })
        },
        onServing: (credit) => this.#onServing(id, credit),
        onJobMessage: (message) => this.#host.onMessage(id, message),
        onMetric: (metric) => this.#host.onMetric(metric),
        onEnd: (end) => this.#onEnd(id, end),
      },
    )
  }

  /** What it takes before it has done anything is not a growth. */
  #measure(pid: number): void {
    const rules = this.#spec.workerLife.recycling
    const bound = rules?.aboveBytes ?? 0
    const readyBytes = bound > 0 ? residentBytes(pid) : 0
    this.#born = { ...this.#born, readyMs: this.#deps.clock.nowMs(), readyBytes }
    if (rules && readyBytes > bound && bound > 0)
      this.#log.warn(
        `The worker takes ${mib(readyBytes)} MiB from the start, more than recycle_above_memory allows (${mib(bound)}): it is replaced above ${mib(boundOf({ readyBytes }, rules))}.`,
      )
  }

  get #failed(): FailedStarts | undefined {
    return this.#state && 'failed' in this.#state ? this.#state.failed : undefined
  }

  /** What waits must be told when the recovery window ends, however long the wait for the next start is. */
  #planGivingUp(): void {
    if (this.#failed?.count !== 1) return
    // A timer may be a millisecond ahead of the clock.
    const delayMs = this.#spec.workerLife.recoveryWindowMs + 1
    this.#cancelGivingUp = this.#deps.clock.wakeIn(delayMs, () => this.#host.onMoved())
  }

  #onServing(id: WorkerId, credit: number): void {
    this.#move({ kind: 'loaded' })
    if (this.#state?.kind !== 'ready') return // it is to end
    this.#cancelWake()
    this.#cancelGivingUp()
    this.#measure(this.#state.pid)
    this.#log.info('Worker is ready.', this.#starts > 1 ? { restarts: this.#starts - 1 } : {})
    this.#becomeReady()
    const loadMs = this.#deps.clock.nowMs() - this.#born.startedMs
    this.#host.onReady(id, { port: this, credit, slot: this.number, loadMs })
  }

  #onEnd(id: WorkerId, end: ProcessEnd): void {
    const { message, stderr, trace, hadServed, wasKilled, outOfMemory } = end
    const wanted = this.#state?.kind === 'draining' || this.#state?.kind === 'stopped'
    this.#process = undefined
    if (!wanted) {
      this.#lastFailure = { message, stderr }
      this.#log.error(`Worker ended: ${message}`, { stderr, trace })
    }
    const code = outOfMemory ? 'worker-out-of-memory' : 'worker-failed'
    this.#failReady(new MarinaError(code, message + lastWords(stderr)))
    // First the jobs, then the restart: they are to stand in the queue before the next worker takes from it.
    const death = { message, stderr, blame: !wasKilled }
    this.#host.onExit({ worker: hadServed ? id : undefined, death, wanted })
    this.#move({ kind: 'exited', cause: message })
    this.#host.onMoved()
    this.#planGivingUp()
    for (const resolve of this.#whenGone.splice(0)) resolve()
  }
}

// More would bury the message; describe and the log have all that were kept.
const LAST_LINES = 5

const lastWords = (stderr: readonly string[]): string =>
  stderr.length === 0 ? '' : `\nLast lines of its stderr:\n${stderr.slice(-LAST_LINES).join('\n')}`
