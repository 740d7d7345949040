/**
 * How many jobs a worker holds at once: the batch that runs and at least one ahead. A handler that is quicker than the way
 * between server and worker gets more ahead, about a millisecond's work: server and worker then move several jobs with
 * each system call (measured: 10 µs of the server's CPU time a request for an empty handler). A job that was sent ahead
 * waits no longer than that, and while it has not started it can be recalled, or put back when the worker dies.
 */

/** Work that is held ahead, in time. */
const AHEAD_MS = 1
/** Batches ahead, at the most. */
const MOST_AHEAD = 31
/** Weight of the newest batch in the mean. */
const NEWEST = 1 / 8

/** The credit of one worker. */
export class Credit {
  readonly #batchSize: number
  #meanMs: number | undefined
  #ahead = 1

  constructor(batchSize: number) {
    this.#batchSize = batchSize
  }

  /** In jobs, as the server is to know it. */
  get jobs(): number {
    return (1 + this.#ahead) * this.#batchSize
  }

  /** Takes the time that a batch took; true when the credit has changed. It falls at once and grows by the mean. */
  tookMs(ms: number): boolean {
    const mean = this.#meanMs === undefined ? ms : this.#meanMs + (ms - this.#meanMs) * NEWEST
    this.#meanMs = ms > AHEAD_MS ? Math.max(mean, ms) : mean
    const wanted = Math.min(MOST_AHEAD, Math.max(1, Math.floor(AHEAD_MS / this.#meanMs)))
    // By halves and doubles: a message for each batch would cost what it saves.
    if (wanted < 2 * this.#ahead && wanted > this.#ahead / 2) return false
    this.#ahead = wanted
    return true
  }
}
