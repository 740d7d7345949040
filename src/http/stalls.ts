/**
 * Finds clients that hold what they do not use: a body that trickles in, an answer that nobody fetches. One look at all
 * connections from time to time, so that a request that moves costs nothing.
 */
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { tooSlow, type Connection, type Connections } from './connections.js'
import type { Exchange } from './exchange.js'

// A modem of 1995 is quicker. Time-outs for a whole body would cut off large ones on slow lines.
const LEAST_BYTES_PER_SECOND = 1024

/** What a look saw of a body that had not come whole. */
interface Seen {
  readonly exchange: Exchange
  readonly bytes: number
}

/** What is watched, and how long it may stand still. */
export interface StallOptions {
  readonly connections: Connections
  readonly stallMs: number
  readonly clock: Clock
}

/** Looks until the returned function is called. */
export function watchStalls({ connections, stallMs, clock }: StallOptions): () => void {
  let seen = new Map<Connection, Seen>()
  let cancel: () => void = () => undefined
  const look = () => {
    const now = new Map<Connection, Seen>()
    for (const connection of connections.values()) {
      const body = awaitedBody(connection)
      if (body === undefined) continue
      if (isStalled(body, { before: seen.get(connection), stallMs })) body.exchange.failBody(tooSlow())
      else now.set(connection, body)
    }
    for (const { socket, exchanges } of connections.values())
      if (exchanges.size > 0 && socket.writableLength > 0) timeWriting(socket, stallMs)
    seen = now
    cancel = clock.wakeIn(stallMs, look)
  }
  cancel = clock.wakeIn(stallMs, look)
  return () => cancel()
}

function awaitedBody({ exchanges }: Connection): Seen | undefined {
  for (const exchange of exchanges) {
    const bytes = exchange.awaitedBodyBytes()
    if (bytes !== undefined) return { exchange, bytes }
  }
  return undefined
}

function isStalled(
  { exchange, bytes }: Seen,
  { before, stallMs }: { before: Seen | undefined; stallMs: number },
): boolean {
  if (before?.exchange !== exchange) return false
  return bytes - before.bytes < (LEAST_BYTES_PER_SECOND * stallMs) / 1000
}

/** Node's own timer knows how much the kernel has taken of one large write; the listener hears of it as `timeout`. */
function timeWriting(
  socket: Connection['socket'] & Partial<Pick<Socket, 'setTimeout' | 'timeout'>>,
  ms: number,
): void {
  if (socket.timeout !== ms) socket.setTimeout?.(ms)
}
