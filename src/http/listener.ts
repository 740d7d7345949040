/** A listening `node:http` server: connections, bytes that are not HTTP, and the way to stop without losing a request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import type { Address } from '../config/config.js'
import { messageOf } from '../errors.js'
import {
  answerRefusal,
  connectionOf,
  invalidHttp,
  refuse,
  tooSlow,
  unknownExpectation,
  type Connections,
} from './connections.js'
import { startExchange, type ExchangeDeps } from './exchange.js'
import { isRefusedHead, MAX_HEAD_BYTES } from './head.js'
import { watchStalls } from './stalls.js'
import { installDoor, type Door } from './tls-door.js'
import { cannotListen, listenOnSocket } from './unix-socket.js'

/** A port that answers. */
export interface Listener<A extends Address = Address> {
  /** With the real port, where 0 was asked for. */
  readonly address: A
  /** Connections that are open now. */
  connections(): number
  /**
   * Accepts no more connections, answers every request whose head has arrived, and resolves when all connections are
   * closed; `signal` cuts them off at once.
   */
  close(signal: AbortSignal): Promise<void>
}

/** What a listener needs. */
export interface ListenerDeps extends Omit<ExchangeDeps, 'closing'> {
  /** Key and certificate of a port that speaks HTTPS; undefined: HTTP. */
  readonly tls?: SecureContext | undefined
  /** Time for a head to come whole; 0: any. Default: a minute. */
  readonly headTimeoutMs?: number
  /** Time in which a body, or the fetching of an answer, may stand still; 0: any. Default: a minute. */
  readonly stallTimeoutMs?: number
  /** More connections than these are closed at once; 0: any number. */
  readonly maxConnections?: number
}

// Longer than the idle timeouts of the usual load balancers (600 s at the most), so that they close first and never
// send a request into a connection that is being closed here.
const IDLE_TIMEOUT_MS = 620_000
// How long idle connections stay open after the stop began: a client that keeps them busy gets its next request
// answered, with `connection: close`.
const IDLE_GRACE_MS = 200

const DEFAULT_TIMEOUT_MS = 60_000

/** Without TLS every connection is through at once. */
const OPEN_DOOR: Door = { shut: () => undefined }

/** Starts to listen. Rejects with cannot-listen; the caller knows the flag that cures it. */
export async function listen<A extends Address>(address: A, deps: ListenerDeps): Promise<Listener<A>> {
  let closing = false
  let idleMayClose = false
  const connections: Connections = new Map()
  const exchangeDeps: ExchangeDeps = { ...deps, closing: () => closing }

  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    const { socket } = request
    const connection = connectionOf(connections, socket)
    // Nothing is run that stands behind what was refused, or behind an answer that is the last.
    if (connection.stage.kind !== 'open') {
      socket.pause()
      return
    }
    if (isRefusedHead(request)) {
      refuse(connection, invalidHttp(), deps)
      return
    }
    const { exchanges, gone } = connection
    const done = () => {
      exchanges.delete(exchange)
      if (exchanges.size > 0) return
      if (connection.stage.kind === 'refused') answerRefusal(connection, deps)
      else if (idleMayClose) socket.destroySoon()
    }
    const ends = () => void (connection.stage = { kind: 'ending' })
    const start = { request, response, signal: gone, expectsContinue, ends, done }
    const exchange = startExchange(start, exchangeDeps)
    exchanges.add(exchange)
  }

  const server = createHttpServer(deps)
  warnOfDrops(server, deps)
  server.on('connection', (socket) => void connectionOf(connections, socket))
  server.on('request', (request, response) => serve(request, response, false))
  server.on('checkContinue', (request, response) => serve(request, response, true))
  server.on('checkExpectation', ({ socket }: IncomingMessage) =>
    refuse(connectionOf(connections, socket), unknownExpectation(), deps),
  )
  server.on('connect', (_, socket) => {
    socket.on('error', () => socket.destroy()) // Node has let go of it
    refuse(connectionOf(connections, socket), invalidHttp(), deps)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const connection = connectionOf(connections, socket)
    // The end of the connection within a message is a client that hung up.
    const isOver = error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE'
    if (isOver) socket.destroy()
    else refuse(connection, error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? tooSlow() : invalidHttp(), deps)
  })
  // With a listener Node leaves it to us to close connections that were idle for too long.
  server.on('timeout', (socket: Socket) => {
    const { exchanges } = connectionOf(connections, socket)
    if (exchanges.size === 0 || socket.writableLength > 0) socket.destroy()
  })
  const { clock, stallTimeoutMs: stallMs = DEFAULT_TIMEOUT_MS } = deps
  const unwatch = stallMs > 0 ? watchStalls({ connections, stallMs, clock }) : () => undefined
  const door = deps.tls ? installDoor(server, { ...deps, context: deps.tls }) : OPEN_DOOR
  const bound = await startListening(server, address)

  return {
    address: bound,
    connections: () => connections.size,
    async close(signal) {
      const cutOff = () => {
        door.shut()
        connections.forEach((_, socket) => socket.destroy())
      }
      signal.addEventListener('abort', cutOff, { once: true })
      if (signal.aborted) cutOff()
      closing = true
      // Let what the kernel has already accepted come in before the door is shut: its heads may have arrived.
      await nextTurn()
      await nextTurn()
      deps.clock.wakeIn(IDLE_GRACE_MS, () => {
        idleMayClose = true
        door.shut()
        connections.forEach(
          ({ exchanges }, socket) => exchanges.size > 0 || socket.end(() => socket.destroy()),
        )
      })
      await shutDoor(server)
      unwatch()
      signal.removeEventListener('abort', cutOff)
    },
  }
}

// Often enough for the limits that are set, seldom enough to cost nothing with thousands of connections.
const CHECK_MS = 5000

function createHttpServer({ headTimeoutMs = DEFAULT_TIMEOUT_MS, maxConnections = 0 }: ListenerDeps): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    requireHostHeader: false, // refused with the others, in our words
    headersTimeout: headTimeoutMs,
    requestTimeout: 0, // a large body on a slow line takes its time; those that stall are found otherwise
    connectionsCheckingInterval: Math.min(CHECK_MS, headTimeoutMs / 2 || CHECK_MS),
  })
  // Node drops those beyond 2000 silently, and with them what says how long a body is; bytes are limited in any case.
  server.maxHeadersCount = 0
  if (maxConnections > 0) server.maxConnections = maxConnections
  return server
}

const DROP_WARNING_MS = 60_000

/** Says that connections are dropped, and not more often than somebody can read it. */
function warnOfDrops(server: Server, { log, clock, maxConnections }: ListenerDeps): void {
  let quiet = false
  server.on('drop', () => {
    if (quiet) return
    quiet = true
    log.warn(
      `More than ${maxConnections ?? 0} connections (max_connections): further ones are closed at once.`,
    )
    clock.wakeIn(DROP_WARNING_MS, () => (quiet = false))
  })
}

/** Resolves when the last connection is closed. `http.Server.close` would cut idle ones off at once. */
function shutDoor(server: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => {
      server.close() // stops the timer with which Node looks for slow heads
      resolve()
    })
  })
}

// The kernel's queue of new connections; Node's 511 is short for a burst of clients.
const BACKLOG = 1024

/** Resolves with the address, which has the real port now. */
async function startListening<A extends Address>(server: Server, address: A): Promise<A> {
  if ('path' in address) {
    await listenOnSocket(server, { path: address.path, backlog: BACKLOG })
    return address
  }
  const { host, port } = address
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : messageOf(cause)
      reject(cannotListen(`${host}:${port}`, why, cause))
    })
    server.listen({ host, port, backlog: BACKLOG }, resolve)
  })
  const bound = server.address()
  return { ...address, port: typeof bound === 'object' && bound ? bound.port : port }
}
