/**
 * The acting half of a dispatcher: tells `assign` what happens and does what it orders, on real workers, callers and
 * clock. It decides nothing.
 */
import type { Clock } from '../../clock.js'
import type { JobKey, WireJob } from '../../protocol/messages.js'
import { loadOf, type QueueLoad } from './load.js'
import {
  createDispatchState,
  waitingJobs,
  type Death,
  type DispatchEffect,
  type DispatchEvent,
  type DispatchOptions,
  type DispatchState,
  type WorkerId,
} from './state.js'
import { assign } from './dispatcher.js'
import { queueTimeMs, refusalOf, type Refusal } from './admission.js'
import type { LiveJob } from '../job.js'
import { toChunk, toOutcome } from '../outcome.js'
import type { JobMessage, WorkerPort } from '../workers/slot-host.js'

/** The queue of one version, with its workers. */
export class JobQueue {
  readonly #state: DispatchState
  readonly #clock: Clock
  readonly #ports = new Map<WorkerId, WorkerPort>()
  /** Events that arrive while the effects of an earlier one are being performed wait for their turn. */
  readonly #inbox: DispatchEvent[] = []
  #performing = false
  #cancelWake: () => void = () => undefined
  #whenEmpty: (() => void)[] = []
  readonly #whenReleased = new Map<WorkerId, () => void>()

  constructor(options: DispatchOptions, clock: Clock) {
    this.#state = createDispatchState(options)
    this.#clock = clock
  }

  /** Why the next job would be one too many; undefined: it would not. */
  get refusal(): Refusal | undefined {
    return refusalOf(this.#state)
  }

  /** How long jobs wait here until they start, as far as it has been seen. */
  get queueTimeMs(): number {
    return queueTimeMs(this.#state, this.#clock.nowMs())
  }

  /** Jobs that have not started. */
  get waiting(): number {
    return waitingJobs(this.#state)
  }

  /** How much there is to do. */
  load(): QueueLoad {
    return loadOf(this.#state, this.#clock.nowMs())
  }

  /** Takes a job over until it settles, watching whether its caller hangs up. */
  accept(job: LiveJob): void {
    const { signal } = job.request
    const hangUp = () => this.hangUp(job.key)
    signal.addEventListener('abort', hangUp)
    // Taken off again, because callers may use one signal for many requests.
    void job.settled.then(() => signal.removeEventListener('abort', hangUp))
    this.#tell({ kind: 'accepted', job })
    if (signal.aborted) hangUp()
  }

  /** The caller does not want the answer any more. */
  hangUp(key: JobKey): void {
    this.#tell({ kind: 'hung-up', key })
  }

  /** A worker is there and idle. */
  join(worker: WorkerId, { port, credit }: { port: WorkerPort; credit: number }): void {
    this.#ports.set(worker, port)
    this.#tell({ kind: 'credit', worker, credit })
  }

  /** What a worker says about its jobs. */
  receive(worker: WorkerId, message: JobMessage): void {
    if (!this.#ports.has(worker)) return
    if (message.kind === 'chunk') {
      const { key, head, body } = message
      this.#tell({ kind: 'chunk', worker, key, chunk: head ? { head, body } : { body } })
    } else this.#tell({ ...message, worker })
  }

  /** A worker is gone. */
  leave(worker: WorkerId, death: Death): void {
    this.#tell({ kind: 'died', worker, death })
    this.#ports.delete(worker)
    this.#release(worker)
  }

  /** Gives a worker nothing more; resolves when it holds nothing or is gone. */
  retire(worker: WorkerId): Promise<void> {
    if (!this.#ports.has(worker)) return Promise.resolve()
    const released = new Promise<void>((resolve) => this.#whenReleased.set(worker, resolve))
    this.#tell({ kind: 'retire', worker })
    return released
  }

  /** Refuses all jobs that no worker holds. */
  refuse(message: string): void {
    this.#tell({ kind: 'refuse', message })
  }

  /** Resolves when no job is left. */
  emptied(): Promise<void> {
    if (this.#state.live === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  /** Cancels the wake-up; to be called when nothing more will come. */
  stop(): void {
    this.#cancelWake()
  }

  #tell(event: DispatchEvent): void {
    this.#inbox.push(event)
    if (this.#performing) return
    this.#performing = true
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      for (const effect of assign(this.#state, next, this.#clock.nowMs())) this.#perform(effect)
    }
    this.#performing = false
    if (this.#state.live === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #perform(effect: DispatchEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#ports
          .get(effect.worker)
          ?.send({ kind: 'jobs', start: effect.start, jobs: effect.jobs.map(toWire) })
        break
      case 'recall':
        this.#ports.get(effect.worker)?.send({ kind: 'cancel', keys: effect.keys })
        break
      case 'emit':
        effect.job.reply.chunk(toChunk(effect.chunk))
        break
      case 'settle':
        effect.job.timing.settledMs = this.#clock.nowMs()
        effect.job.reply.settle(toOutcome(effect.ending))
        break
      case 'kill':
        this.#ports.get(effect.worker)?.kill(effect.message)
        break
      case 'release':
        this.#release(effect.worker)
        break
      case 'wakeAt':
        this.#cancelWake()
        this.#cancelWake = this.#clock.wakeIn(effect.atMs - this.#clock.nowMs(), () =>
          this.#tell({ kind: 'tick' }),
        )
        break
      default:
        effect satisfies never
    }
  }

  #release(worker: WorkerId): void {
    this.#whenReleased.get(worker)?.()
    this.#whenReleased.delete(worker)
  }
}

function toWire({ key, request }: LiveJob): WireJob {
  const { id, operation, headers, input, sequenceId } = request
  const job = { key, id, operation, headers, input }
  return sequenceId === undefined ? job : { ...job, sequenceId }
}
