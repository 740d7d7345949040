/** One timer for all versions whose workers are looked after: their number, and what they have grown to. */
import type { Clock } from '../../clock.js'

/** How often each is looked at. */
export const LOOK_EVERY_MS = 500

/** Something that is looked after. */
export interface Tended {
  /** Called at each look; must not throw. */
  tend(): void
}

/** The timer runs only while there is something to look after. */
export class Upkeep {
  readonly #clock: Clock
  readonly #tended = new Set<Tended>()
  #ticking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(tended: Tended): void {
    this.#tended.add(tended)
    if (!this.#ticking) this.#lookLater()
  }

  remove(tended: Tended): void {
    this.#tended.delete(tended)
  }

  #lookLater(): void {
    this.#ticking = true
    this.#clock.wakeIn(LOOK_EVERY_MS, () => {
      for (const tended of this.#tended) tended.tend()
      this.#ticking = false
      if (this.#tended.size > 0) this.#lookLater()
    })
  }
}
