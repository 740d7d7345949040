/**
 * Which workers have been stopped (state T, by SIGSTOP). Such a process keeps its jobs and its connection and says
 * nothing, and nobody reports it: the one who waits has to look. Where there is no `/proc`, the response time-out finds it.
 */
import { readFileSync } from 'node:fs'
import type { Clock } from '../clock.js'

/** How often workers that owe an answer are looked at. */
export const LOOK_EVERY_MS = 100

/** A process that may have stopped. */
export interface Watched {
  /** Undefined when it could not be spawned. */
  readonly pid: number | undefined
  /** It has been given something that it has not answered yet. */
  readonly owes: boolean
  /** It has been seen stopped at two looks in a row, silent all the while. */
  onStopped(): void
}

/** What is known of a watched process since the last look. */
interface Watch {
  heard: boolean
  seenStopped: boolean
}

/** True for a process in state T. @throws nothing: a process that is gone is not stopped */
export function isStopped(pid: number): boolean {
  try {
    // Synchronous: the kernel answers from memory within some 20 µs, and only silent workers are asked about.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name before the state is in brackets, and may hold brackets (proc_pid_stat(5)).
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'T'
  } catch {
    return false
  }
}

/**
 * Looks at all workers that owe something, by one timer for all of them, which runs only while there is such a worker.
 * One that said anything since the last look is not looked at.
 */
export class StoppedWatch {
  readonly #clock: Clock
  readonly #isStopped: (pid: number) => boolean
  readonly #watched = new Map<Watched, Watch>()
  #ticking = false

  constructor(clock: Clock, look = isStopped) {
    this.#clock = clock
    this.#isStopped = look
  }

  /** It has been given something. Cheap: called for each frame of jobs. */
  expect(worker: Watched): void {
    if (!this.#watched.has(worker)) this.#watched.set(worker, { heard: true, seenStopped: false })
    if (!this.#ticking) this.#lookLater()
  }

  /** It has said something. */
  heard(worker: Watched): void {
    const watch = this.#watched.get(worker)
    if (watch) watch.heard = true
  }

  forget(worker: Watched): void {
    this.#watched.delete(worker)
  }

  #lookLater(): void {
    this.#ticking = true
    this.#clock.wakeIn(LOOK_EVERY_MS, () => {
      for (const [worker, watch] of this.#watched) this.#look(worker, watch)
      this.#ticking = false
      if (this.#watched.size > 0) this.#lookLater()
    })
  }

  #look(worker: Watched, watch: Watch): void {
    if (!watch.heard && !worker.owes) this.#watched.delete(worker)
    const stopped = !watch.heard && worker.pid !== undefined && this.#isStopped(worker.pid)
    // Twice: after Ctrl-Z and `fg` the server may be awake a moment before its workers are.
    const certain = stopped && watch.seenStopped
    watch.heard = false
    watch.seenStopped = stopped
    if (!certain) return
    this.#watched.delete(worker)
    worker.onStopped()
  }
}
