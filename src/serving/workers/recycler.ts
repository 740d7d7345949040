/** Replaces the workers of one version that have served long enough, one at a time: the new one comes first, then the old one goes. */
import type { Clock } from '../../clock.js'
import type { RecyclingRules } from '../../config/worker-life.js'
import { messageOf } from '../../errors.js'
import type { Logger } from '../../log.js'
import { causeToRecycle, type RecycleCause } from './recycling.js'
import { residentBytes } from './resident-bytes.js'
import type { Slot } from './slot-host.js'

/** Memory grows slowly: it is read at every fourth look, every two seconds. */
const MEMORY_EVERY_LOOKS = 4
/** After a replacement that has not started. */
const TRY_AGAIN_MS = 60_000

/** A worker and the one that starts in order to take its place. */
export interface Replacement {
  readonly old: Slot
  readonly next: Slot
}

/** What a recycler works with. */
export interface RecyclerDeps {
  readonly clock: Clock
  readonly log: Logger
  /** Makes the slot that is to take another's place, and has it started in its turn. */
  readonly startNext: (old: Slot) => Slot
  /** `next` is ready: it takes the place of `old`, which ends. */
  readonly onReplaced: (replacement: Replacement, cause: RecycleCause) => void
  /** `next` did not start; it ends, and `old` goes on. */
  readonly onFailed: (next: Slot) => void
}

/** One for each version; a version never takes the memory of more than one worker beyond its own. */
export class Recycler {
  readonly #rules: RecyclingRules
  readonly #deps: RecyclerDeps
  #coming: Replacement | undefined
  #notBeforeMs = 0
  #looks = 0

  constructor(rules: RecyclingRules, deps: RecyclerDeps) {
    this.#rules = rules
    this.#deps = deps
  }

  get coming(): Replacement | undefined {
    return this.#coming
  }

  /** Looks at the workers, and has the first one that has served long enough replaced. */
  look(slots: readonly Slot[]): void {
    const nowMs = this.#deps.clock.nowMs()
    const readsMemory = this.#rules.aboveBytes > 0 && ++this.#looks % MEMORY_EVERY_LOOKS === 0
    if (this.#coming || nowMs < this.#notBeforeMs) return
    for (const old of slots) {
      const { wear } = old
      if (!wear) continue
      const bytes = readsMemory ? residentBytes(wear.pid) : undefined
      const cause = causeToRecycle(wear, { rules: this.#rules, residentBytes: bytes, nowMs })
      if (!cause) continue
      this.#replace(old, cause)
      return
    }
  }

  /** Some workers end anyway: the one that was to replace one of them is not needed. The caller ends it too. */
  callOff(ending: readonly Slot[]): readonly Slot[] {
    const coming = this.#coming
    if (!coming || !ending.includes(coming.old)) return []
    this.#coming = undefined
    return [coming.next]
  }

  #replace(old: Slot, cause: RecycleCause): void {
    const { startNext, log, clock, onReplaced, onFailed } = this.#deps
    const next = startNext(old)
    const replacement = { old, next }
    this.#coming = replacement
    log.info(`Worker ${old.number} is replaced by ${next.number}: ${cause.why}.`)
    const ended = (act: () => void) => {
      if (this.#coming !== replacement) return
      this.#coming = undefined
      act()
    }
    const failed = (error: unknown) => {
      log.warn(
        `Worker ${old.number} goes on: the one that was to replace it did not start. ${messageOf(error)}`,
      )
      this.#notBeforeMs = clock.nowMs() + TRY_AGAIN_MS
      onFailed(next)
    }
    next.ready.then(
      () => ended(() => onReplaced(replacement, cause)),
      (error: unknown) => ended(() => failed(error)),
    )
  }
}
