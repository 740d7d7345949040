/** The end of a connection, for whom it concerns: what an `AbortSignal` does, at a small part of its cost. */
import type { HangUp } from '../serving/job.js'

/** Tells its listeners, once, that the connection is gone. */
export class ConnectionEnd implements HangUp {
  aborted = false
  readonly #listeners: (() => void)[] = []

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at >= 0) this.#listeners.splice(at, 1)
  }

  /** The connection is gone. A listener that is added later is not called: it looks at `aborted`. */
  abort(): void {
    if (this.aborted) return
    this.aborted = true
    for (const listener of this.#listeners.splice(0)) listener()
  }
}
