/** A worker that a preloaded parent has forked, in the shape of a child process: it is no child of ours, so others tell its end. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What a worker needs of its process; Node's ChildProcess is one. */
export interface WorkerChild extends EventEmitter {
  readonly pid?: number | undefined
  /** Standard input, output and error, and the connection. */
  readonly stdio: readonly unknown[]
}

/** Its streams, by file descriptor. */
export interface ForkedStreams {
  readonly stdout: Socket
  readonly stderr: Socket
  readonly channel: Socket
}

/** Emits `exit` and `close` as a ChildProcess does; `exit` with two nulls where nobody knows how it ended. */
export class ForkedChild extends EventEmitter implements WorkerChild {
  readonly stdio: readonly [null, Socket, Socket, Socket]
  readonly pid: number
  #isGone = false
  #isOrphan = false
  #open = 3

  constructor(pid: number, { stdout, stderr, channel }: ForkedStreams) {
    super()
    this.pid = pid
    this.stdio = [null, stdout, stderr, channel]
    for (const stream of [stdout, stderr, channel]) stream.once('close', () => this.#closed())
    channel.once('close', () => this.#isOrphan && this.ended(null, null))
  }

  /** Its parent has seen it end. */
  ended(code: number | null, signal: string | null): void {
    if (this.#isGone) return
    this.#isGone = true
    this.emit('exit', code, signal)
    if (this.#open === 0) this.emit('close')
  }

  /** Its parent is gone: from now on the end of the connection is its end. */
  orphaned(): void {
    this.#isOrphan = true
    if (this.stdio[3].destroyed) this.ended(null, null)
  }

  #closed(): void {
    this.#open--
    if (this.#open === 0 && this.#isGone) this.emit('close')
  }
}
