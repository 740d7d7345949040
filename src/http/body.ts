/** Reads request bodies into memory, within a limit for each and a budget for all. */
import type { IncomingMessage } from 'node:http'
import { badRequest, MarinaError } from '../errors.js'
import { BodyPieces } from './body-pieces.js'

/** Bytes that all buffered bodies of a server may take together. */
export interface ByteBudget {
  /** Takes `bytes` if they are left; false changes nothing. */
  reserve(bytes: number): boolean
  release(bytes: number): void
}

/** Makes a {@link ByteBudget}. */
export function createByteBudget(limitBytes: number): ByteBudget {
  let taken = 0
  return {
    reserve(bytes) {
      if (taken + bytes > limitBytes) return false
      taken += bytes
      return true
    },
    release(bytes) {
      taken -= bytes
    },
  }
}

/** 413: the body is over the limit for one request. */
export const bodyTooLarge = (maxBytes: number): MarinaError =>
  new MarinaError('body-too-large', `The request body is larger than the limit of ${maxBytes} bytes.`)

const overloaded = (): MarinaError =>
  new MarinaError('overloaded', 'The server holds as many request bodies as it may. Try again in a moment.')

const hungUp = (): MarinaError => badRequest('The client hung up before the body was complete.')

const EMPTY = new Uint8Array(0)

/** Length that a request announces; undefined for chunked bodies, 0 for none. */
export function announcedBytes({ headers }: IncomingMessage): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  return headers['content-length'] === undefined ? 0 : Number(headers['content-length'])
}

/**
 * The way of one request's body into memory. What it holds is counted piece by piece, so that a client takes of the
 * budget what it has sent and not what it has announced.
 */
export class BodyReader {
  readonly #request: IncomingMessage
  readonly #limits: { readonly maxRequestBytes: number; readonly budget: ByteBudget }
  #pieces = new BodyPieces()
  #failed: MarinaError | undefined
  #reject: ((error: MarinaError) => void) | undefined
  #heldBytes = 0
  /** Bytes that have come so far; undefined unless somebody waits for more. */
  awaitedBytes: number | undefined

  constructor(request: IncomingMessage, limits: { maxRequestBytes: number; budget: ByteBudget }) {
    this.#request = request
    this.#limits = limits
  }

  /** Reads it whole; call it once. Rejects with body-too-large, overloaded, bad-request, request-timeout. */
  read(): Promise<Uint8Array> {
    if (this.#failed) return Promise.reject(this.#failed)
    return announcedBytes(this.#request) === 0 ? Promise.resolve(EMPTY) : this.#collect()
  }

  /** Ends a pending or later `read` with this error; the default: the client hung up. */
  fail(error: MarinaError = hungUp()): void {
    this.#failed = error
    this.#pieces = new BodyPieces()
    this.awaitedBytes = undefined
    this.release()
    this.#reject?.(error)
  }

  /** Gives back to the budget what is held. The answer is done, or will never be. */
  release(): void {
    this.#limits.budget.release(this.#heldBytes)
    this.#heldBytes = 0
  }

  #collect(): Promise<Uint8Array> {
    this.awaitedBytes = 0
    return new Promise((resolve, reject) => {
      this.#reject = reject
      this.#request.on('data', (piece: Buffer) => this.#take(piece))
      this.#request.on('end', () => {
        this.awaitedBytes = undefined
        resolve(this.#pieces.join())
        this.#pieces = new BodyPieces()
      })
    })
  }

  /** What comes after a failure is swallowed. */
  #take(piece: Buffer): void {
    if (this.#failed) return
    const { maxRequestBytes, budget } = this.#limits
    if (this.#heldBytes + piece.length > maxRequestBytes) {
      this.fail(bodyTooLarge(maxRequestBytes))
      return
    }
    if (!budget.reserve(piece.length)) {
      this.fail(overloaded())
      return
    }
    this.#heldBytes += piece.length
    this.awaitedBytes = this.#heldBytes
    this.#pieces.add(piece)
  }
}
