/**
 * The order in which the workers of a server start. While it loads, a worker needs the most memory and a whole core: more
 * of them at once would delay the first that can answer, and take the cores from those that serve.
 */
import type { Clock } from '../../clock.js'
import type { Slot } from './slot-host.js'

/** A slow load must not hold up the others: after this time the next one starts beside it. */
const PATIENCE_MS = 10_000

interface Waiting {
  readonly slot: Pick<Slot, 'start' | 'ready'>
  readonly rank: number
}

/** Starts slots in turn. Restarts of workers that had served do not pass through here: they start at once. */
export class StartQueue {
  readonly #clock: Clock
  readonly #cores: number
  /** By rank, and by arrival within one. */
  #waiting: readonly Waiting[] = []
  #starting = 0

  constructor(clock: Clock, cores: number) {
    this.#clock = clock
    this.#cores = cores
  }

  /**
   * Starts a slot when it is its turn; one that is ended before simply passes. `rank` is its place among the workers of its
   * version, from 0: the first of each version comes before the second of any, and may take any core, the others half of them.
   */
  enter(slot: Waiting['slot'], rank: number): void {
    const at = this.#waiting.findIndex((waiting) => waiting.rank > rank)
    const place = at < 0 ? this.#waiting.length : at
    this.#waiting = this.#waiting.toSpliced(place, 0, { slot, rank })
    this.#next()
  }

  #next(): void {
    for (let [first] = this.#waiting; first && this.#hasRoom(first); [first] = this.#waiting) {
      this.#waiting = this.#waiting.slice(1)
      this.#start(first.slot)
    }
  }

  #hasRoom({ rank }: Waiting): boolean {
    const share = rank === 0 ? this.#cores : Math.floor(this.#cores / 2)
    return this.#starting < Math.max(2, share)
  }

  #start(slot: Waiting['slot']): void {
    this.#starting++
    let counts = true
    const leave = () => {
      if (!counts) return
      counts = false
      cancel()
      this.#starting--
      this.#next()
    }
    const cancel = this.#clock.wakeIn(PATIENCE_MS, leave)
    slot.start()
    slot.ready.then(leave, leave)
  }
}
