/** The connections of one listener: what is being answered on each, and how one ends whose bytes cannot be trusted. */
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.js'
import { badRequest, MarinaError } from '../errors.js'
import { ConnectionEnd } from './connection-end.js'
import type { Exchange } from './exchange.js'
import type { HeaderList } from './message.js'
import { answerRaw } from './raw-answer.js'
import { errorBody } from './responses.js'

/** How far a connection has come. Requests are taken from an open one only. */
export type Stage =
  | { readonly kind: 'open' }
  /** Its bytes are refused; the answer that says so follows the last one that is under way. */
  | { readonly kind: 'refused'; readonly error: MarinaError }
  /** An answer says that it is the last. */
  | { readonly kind: 'ending' }

/** What is known of one connection. */
export interface Connection {
  readonly socket: Duplex
  /** Aborted when the connection is gone: one for all its requests. */
  readonly gone: ConnectionEnd
  /** Requests that are being answered, oldest first. */
  readonly exchanges: Set<Exchange>
  stage: Stage
}

/** Connections by their sockets. */
export type Connections = Map<Duplex, Connection>

/** 400: what came is not HTTP, or could be read as another request by somebody else. */
export const invalidHttp = (): MarinaError => badRequest('Invalid HTTP message.')

/** 408: a head or a body that comes too slowly. */
export const tooSlow = (): MarinaError =>
  new MarinaError('request-timeout', 'The request did not arrive in time.')

/** 417: the request wants something before its body comes that is not `100-continue`. */
export const unknownExpectation = (): MarinaError =>
  new MarinaError('unknown-expectation', 'Expect can only be 100-continue.')

/** The entry of a connection, made when it is first heard of and removed when it closes. */
export function connectionOf(connections: Connections, socket: Duplex): Connection {
  const known = connections.get(socket)
  if (known) return known
  const connection: Connection = {
    socket,
    gone: new ConnectionEnd(),
    exchanges: new Set(),
    stage: { kind: 'open' },
  }
  connections.set(socket, connection)
  socket.once('close', () => {
    connections.delete(socket)
    connection.gone.abort()
    for (const exchange of connection.exchanges) {
      if (!exchange.isBodyComplete()) exchange.failBody()
      // Node tells nothing of answers that were waiting for those before them.
      exchange.abandon()
    }
  })
  return connection
}

/** What a refusal is answered with. */
export interface RefusalDeps {
  readonly clock: Clock
  readonly cors: HeaderList
  readonly countStatus: (status: number) => void
}

/** Takes no more from a connection. Answers keep their order: the refusal follows the last one that is under way. */
export function refuse(connection: Connection, error: MarinaError, deps: RefusalDeps): void {
  if (connection.stage.kind !== 'open') return
  connection.stage = { kind: 'refused', error }
  // The request whose body is cut off takes the refusal for its answer.
  const unfinished = [...connection.exchanges].find((exchange) => !exchange.isBodyComplete())
  if (unfinished) unfinished.failBody(error)
  else if (connection.exchanges.size === 0) answerRefusal(connection, deps)
}

// How long what a refused client still sends is swallowed, so that it reads its answer instead of a reset.
const LINGER_MS = 2000

/** Answers the refusal of a connection, if there is one, and closes it. */
export function answerRefusal(connection: Connection, { clock, cors, countStatus }: RefusalDeps): void {
  const { socket, stage } = connection
  if (stage.kind !== 'refused') return
  connection.stage = { kind: 'ending' }
  const { status, type, message } = stage.error
  answerRaw(socket, { answer: errorBody(status, { type, message }), cors, sent: () => undefined })
  countStatus(status)
  socket.resume()
  const cancel = clock.wakeIn(LINGER_MS, () => socket.destroy())
  socket.once('close', cancel)
  socket.once('end', () => socket.destroy())
}
