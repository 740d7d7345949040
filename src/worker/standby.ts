/**
 * A worker process that has been started before anybody knows what it will load. It waits in the folder in which the next
 * generation of a model is going to be, so that its working directory and the paths in its environment are right. What it
 * saves is most of the time of a reload (measured: 65 of 110 ms of CPU time for a small handler).
 */
import { isDeepStrictEqual } from 'node:util'

/** What of a process counts while it waits. */
export interface Waiting {
  readonly isAlive: boolean
  kill(): void
}

/** A process that has been told nothing yet, and how it was started. */
export interface Started<Process extends Waiting> {
  readonly process: Process
  /** Program, arguments, environment. */
  readonly command: object
  readonly modelDir: string
}

/** Keeps one process. It is `prepare`d by whoever knows where the next generation will be, and taken by the factory of workers. */
export class Standby<Process extends Waiting> {
  #waiting: Started<Process> | undefined
  #start: ((modelDir: string) => Started<Process>) | undefined

  /** Starts a process like the last that was started; `modelDir` is there and empty. Nothing before the first. */
  prepare(modelDir: string): void {
    this.close()
    try {
      this.#waiting = this.#start?.(modelDir)
    } catch {
      // Whoever starts one when it is needed is told why that does not work.
    }
  }

  /** How to start one like it. */
  learn(start: (modelDir: string) => Started<Process>): void {
    this.#start = start
  }

  /** The process that waits, if it lives and is what such a start would make; from now on it is the caller's. */
  take(command: object, modelDir: string): Process | undefined {
    const waiting = this.#waiting
    if (!waiting?.process.isAlive || waiting.modelDir !== modelDir) return undefined
    if (!isDeepStrictEqual(waiting.command, command)) return undefined
    this.#waiting = undefined
    return waiting.process
  }

  /** Ends the process that waits. */
  close(): void {
    this.#waiting?.process.kill()
    this.#waiting = undefined
  }
}
