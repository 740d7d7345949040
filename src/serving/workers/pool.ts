/** The workers of one version: as many as were asked for, or, between the least and the most, as many as the load needs. */
import type { Clock } from '../../clock.js'
import type { RecyclingRules } from '../../config/worker-life.js'
import { messageOf } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { StopReason } from '../../worker/lifecycle.js'
import type { VersionDescription, WorkerDescription } from '../catalog.js'
import { noWorker } from '../errors.js'
import type { JobQueue } from '../dispatch/job-queue.js'
import type { VersionSpec } from '../version-spec.js'
import { Recycler } from './recycler.js'
import type { RecycleCause } from './recycling.js'
import { decideScaling, UNSETTLED, type ScalingState } from './scaling.js'
import type { Slot } from './slot-host.js'
import type { StartQueue } from './start-queue.js'
import type { Tended, Upkeep } from './upkeep.js'

/** How many workers a version is to have. */
export interface WorkerLimits {
  readonly min: number
  readonly max: number
}

/** What a pool works with. */
export interface PoolDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly queue: Pick<JobQueue, 'load' | 'emptied' | 'refuse'>
  readonly createSlot: (like?: Slot) => Slot
  /** No more than these can have the GPUs that they need. */
  readonly mostWorkers: number
  readonly starts: StartQueue
  readonly upkeep: Upkeep
  /** The load has changed the number of workers. */
  readonly onScaled: (direction: 'up' | 'down') => void
  /** A worker that had served long enough has been replaced. */
  readonly onRecycled: (cause: RecycleCause['kind']) => void
  /** A slot has ended for good, and no process of it is left. */
  readonly onEnded: (slot: number) => void
}

/** A pool. It owns its slots. */
export class WorkerPool implements Tended {
  readonly #spec: VersionSpec
  readonly #deps: PoolDeps
  /** Oldest first. A slot that is to end leaves this list at once. */
  #slots: readonly Slot[] = []
  #limits: WorkerLimits = { min: 0, max: 0 }
  #closed: Promise<void> | undefined
  #scaling: ScalingState = UNSETTLED
  /** Before this time no worker is added for the load: the last one did not start. */
  #growFromMs = 0
  #lastScaling: VersionDescription['lastScaling']
  readonly #recycler: Recycler | undefined
  #lastRecycling: VersionDescription['lastRecycling']

  constructor(spec: VersionSpec, deps: PoolDeps) {
    this.#spec = spec
    this.#deps = deps
    const { recycling } = spec.workerLife
    this.#recycler = recycling && this.#createRecycler(recycling)
  }

  get slots(): readonly Slot[] {
    return this.#slots
  }

  get limits(): WorkerLimits {
    return this.#limits
  }

  /** Workers, and what the server has done to their number and to them by itself. */
  describe(): Pick<VersionDescription, 'workers' | 'lastScaling' | 'lastRecycling'> {
    const coming = this.#recycler?.coming
    const workers: WorkerDescription[] = this.#slots.map((slot) => slot.describe())
    if (coming) workers.push({ ...coming.next.describe(), replaces: String(coming.old.number) })
    return {
      workers,
      ...(this.#lastScaling && { lastScaling: this.#lastScaling }),
      ...(this.#lastRecycling && { lastRecycling: this.#lastRecycling }),
    }
  }

  /** There are workers, and none that anybody may hope for. */
  get isHopeless(): boolean {
    return this.#slots.length > 0 && this.#slots.every((slot) => slot.isGivenUp)
  }

  /**
   * Starts workers up to `least` (default: the minimum), or ends the newest above the maximum. The promise settles when
   * those that were started are ready, and rejects when the first of them fails; they go on trying. Those that end finish
   * their work first, which is not waited for here.
   */
  async scale(asked: WorkerLimits, least = asked.min): Promise<void> {
    if (this.#closed) return
    const { mostWorkers } = this.#deps
    const limits = { min: Math.min(asked.min, mostWorkers), max: Math.min(asked.max, mostWorkers) }
    this.#limits = limits
    this.#tendIfNeeded()
    const added = this.#resize(Math.min(limits.max, Math.max(least, this.#slots.length)))
    await Promise.all(added.map((slot) => slot.ready))
  }

  tend(): void {
    this.#followLoad()
    this.#recycler?.look(this.#slots)
  }

  /** At most one worker more or fewer. */
  #followLoad(): void {
    const { clock, queue, log, onScaled } = this.#deps
    const { scaling: rules } = this.#spec.workerLife
    if (!rules) return
    const nowMs = clock.nowMs()
    const workers = this.#slots.length
    const look = { ...queue.load(), workers, allReady: this.#slots.every((slot) => slot.isReady) }
    const max = nowMs < this.#growFromMs ? workers : this.#limits.max
    const limits = { min: this.#limits.min, max }
    const { state, change } = decideScaling(this.#scaling, look, { rules, limits, nowMs })
    this.#scaling = state
    if (!change) return
    log.info(`Scaled from ${workers} to ${change.workers} workers: ${change.why}.`)
    this.#lastScaling = { at: new Date().toISOString(), from: workers, to: change.workers, why: change.why }
    onScaled(change.workers > workers ? 'up' : 'down')
    for (const slot of this.#resize(change.workers))
      slot.ready.catch((error: unknown) => this.#giveBack(slot, error))
  }

  /** Ends all workers, after what waits has been worked off within the drain time. There are none from now on. */
  close(): Promise<void> {
    const slots = this.#withReplacement(this.#slots)
    this.#slots = []
    this.#deps.upkeep.remove(this)
    return (this.#closed ??= this.#end(slots, 'unregistered'))
  }

  #tendIfNeeded(): void {
    const { min, max } = this.#limits
    const { scaling } = this.#spec.workerLife
    if ((scaling && max > min) || this.#recycler) this.#deps.upkeep.add(this)
    else this.#deps.upkeep.remove(this)
    if (!scaling && max > min)
      this.#deps.log.info(
        `There are from ${min} to ${max} workers, but their number does not follow the load: scale_workers is off.`,
      )
  }

  /** Gives the slots that were added. */
  #resize(workers: number): readonly Slot[] {
    const kept = this.#slots.slice(0, workers)
    const surplus = this.#slots.slice(workers).reverse()
    const added = Array.from({ length: workers - kept.length }, () => this.#deps.createSlot())
    this.#slots = [...kept, ...added]
    if (surplus.length > 0) void this.#end(this.#withReplacement(surplus), 'scaled-down')
    added.forEach((slot, at) => this.#deps.starts.enter(slot, kept.length + at))
    return added
  }

  /** Workers that are to end, and the one that was to replace one of them. */
  #withReplacement(ending: readonly Slot[]): readonly Slot[] {
    return [...ending, ...(this.#recycler?.callOff(ending) ?? [])]
  }

  /** A worker that the load asked for did not start: the others must go on without it, and it must not be asked for again at once. */
  #giveBack(slot: Slot, error: unknown): void {
    if (!this.#slots.includes(slot)) return
    const { clock, log } = this.#deps
    log.warn(`A worker that the load needs did not start; the load goes on without it. ${messageOf(error)}`)
    this.#growFromMs = clock.nowMs() + TRY_AGAIN_MS
    this.#slots = this.#slots.filter((other) => other !== slot)
    void this.#end([slot], 'scaled-down')
  }

  #createRecycler(rules: RecyclingRules): Recycler {
    const { clock, log, createSlot, starts, onRecycled } = this.#deps
    return new Recycler(rules, {
      clock,
      log,
      startNext: (old) => {
        const next = createSlot(old)
        starts.enter(next, this.#slots.length)
        return next
      },
      onReplaced: ({ old, next }, { kind, why }) => {
        const [worker, replacedBy] = [String(old.number), String(next.number)]
        this.#lastRecycling = { at: new Date().toISOString(), worker, replacedBy, why }
        this.#slots = this.#slots.map((slot) => (slot === old ? next : slot))
        onRecycled(kind)
        void this.#end([old], 'recycled')
      },
      onFailed: (next) => void this.#end([next], 'recycled'),
    })
  }

  /** Ends slots that are not listed any more. The last workers of a version work off its queue first. */
  async #end(slots: readonly Slot[], reason: StopReason): Promise<void> {
    const { queue, onEnded } = this.#deps
    const time = this.#timeUp(this.#spec.drainTimeoutMs)
    if (this.#slots.length === 0) await Promise.race([queue.emptied(), time.over])
    await Promise.all(
      slots.map(async (slot) => {
        await slot.end(reason, time.over)
        onEnded(slot.number)
      }),
    )
    time.cancel()
    if (this.#slots.length === 0) queue.refuse(noWorker(this.#spec.model).message)
  }

  #timeUp(afterMs: number): { over: Promise<void>; cancel: () => void } {
    let cancel: () => void = () => undefined
    const over = new Promise<void>((resolve) => {
      cancel = this.#deps.clock.wakeIn(afterMs, resolve)
    })
    return { over, cancel }
  }
}

/** After a worker that the load asked for has not started. */
const TRY_AGAIN_MS = 60_000
