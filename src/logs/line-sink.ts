/** Where lines go, without waiting: they are gathered for a moment and written together, by a thread of the pool. */
import sonicBoom from 'sonic-boom'

// A CommonJS module, whose class Node finds only so.
const { SonicBoom } = sonicBoom

/** Takes lines. */
export interface LineSink {
  write(line: string): void
  /** Hands on what has been gathered. */
  flush(): void
  /** Writes at once what it still holds: at the end of the process, when nothing can be awaited. */
  flushSync(): void
  /** Resolves when all lines are written. Lines that come later are dropped. */
  close(): Promise<void>
}

// Lines of so many characters are worth a write of their own; a reader of the file waits so long at the most.
const GATHERED_CHARS = 16_000
const GATHER_MS = 100
// What a full disk or a console that nobody reads may cost of memory.
const MOST_BYTES = 32 * 2 ** 20

/** A file descriptor as a sink. `onError` is told of the first write that fails, and of lines that were dropped. */
export class DescriptorSink implements LineSink {
  readonly #boom: sonicBoom.SonicBoom
  readonly #onError: (message: string) => void
  #pending = ''
  #timer: NodeJS.Timeout | undefined
  #state: 'open' | 'failing' | 'closed' = 'open'
  #dropped = 0

  constructor(fd: number, onError: (message: string) => void) {
    this.#onError = onError
    this.#boom = new SonicBoom({ fd, sync: false, minLength: 1, maxLength: MOST_BYTES })
    this.#boom.on('error', (error: NodeJS.ErrnoException) => this.#failed(error))
    this.#boom.on('drop', () => this.#dropped++)
    this.#boom.on('drain', () => this.#recovered())
  }

  write(line: string): void {
    if (this.#state === 'closed') return
    this.#pending += line
    if (this.#pending.length >= GATHERED_CHARS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = this.#pending
    if (text === '' || this.#state === 'closed') return
    this.#pending = ''
    this.#boom.write(text)
  }

  flushSync(): void {
    if (this.#state === 'closed') return
    this.flush()
    try {
      this.#boom.flushSync()
    } catch {
      // The process ends, and there is nobody left to tell.
    }
  }

  async close(): Promise<void> {
    this.flush()
    if (this.#state === 'closed') return
    const failing = this.#state === 'failing'
    this.#state = 'closed'
    if (failing) {
      this.#boom.destroy()
      return
    }
    await new Promise<void>((resolve) => {
      this.#boom.once('close', resolve)
      this.#boom.once('error', () => resolve())
      this.#boom.end()
    })
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#state === 'open') {
      this.#state = 'failing'
      this.#onError(`it cannot be written: ${error.message}`)
    }
    // Nobody will ever read what a closed pipe is given.
    if (error.code !== 'EPIPE') return
    this.#state = 'closed'
    this.#pending = ''
    this.#boom.destroy()
  }

  #recovered(): void {
    if (this.#state === 'failing') this.#state = 'open'
    if (this.#dropped > 0)
      this.#onError(`${this.#dropped} pieces of it were dropped while it could not be written`)
    this.#dropped = 0
  }
}
