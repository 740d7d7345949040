/**
 * Puts TLS before an HTTP server. The first byte of a connection tells a TLS handshake from a client that speaks plain
 * HTTP, which is told so in words that it can read (contract security B2).
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import type { Clock } from '../clock.js'
import type { HeaderList } from './message.js'
import { answerRaw } from './raw-answer.js'
import { statusResponse } from './responses.js'

/** What the door works with. */
export interface DoorDeps {
  readonly context: SecureContext
  readonly clock: Clock
  readonly cors: HeaderList
  readonly countStatus: (status: number) => void
}

/** The connections that are not through yet. */
export interface Door {
  /** Cuts them off: no request can have come on them. */
  shut(): void
}

// The first byte of every TLS handshake (RFC 8446 §5.1: ContentType handshake).
const HANDSHAKE_RECORD = 22
// Time for the first byte and the handshake together: who needs longer holds a socket for nothing.
const HANDSHAKE_MS = 10_000
// How long what a refused client still sends is swallowed, so that it reads its answer instead of a reset.
const LINGER_MS = 2000
const ONLY_HTTPS = 'This TorchServe instance only accepts HTTPS requests'

/** From here on `server`'s connection listeners see only TLS sockets, after the handshake. */
export function installDoor(server: Server, deps: DoorDeps): Door {
  const { clock } = deps
  const waiting = new Set<Socket>()
  // The server goes on listening, counting and timing; only its connections take the way through the door.
  const inside = server.listeners('connection')
  server.removeAllListeners('connection')
  const enter = (secure: TLSSocket) => inside.forEach((listener) => void listener.call(server, secure))
  server.on('connection', (socket: Socket) => {
    waiting.add(socket)
    const cancel = clock.wakeIn(HANDSHAKE_MS, () => socket.destroy())
    const leave = () => {
      cancel()
      waiting.delete(socket)
    }
    socket.once('close', leave)
    socket.on('error', () => socket.destroy())
    const hangUp = () => socket.destroy()
    socket.once('end', hangUp)
    socket.once('data', (first: Buffer) => {
      socket.off('end', hangUp)
      if (first[0] === HANDSHAKE_RECORD) shakeHands(socket, { first, deps, leave, enter })
      else refusePlain(socket, deps)
    })
  })
  return { shut: () => waiting.forEach((socket) => socket.destroy()) }
}

function shakeHands(
  socket: Socket,
  {
    first,
    deps,
    leave,
    enter,
  }: { first: Buffer; deps: DoorDeps; leave: () => void; enter: (secure: TLSSocket) => void },
): void {
  socket.pause()
  socket.unshift(first) // TLSSocket begins with what is buffered
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: deps.context,
    ALPNProtocols: ['http/1.1'],
  })
  const fail = () => secure.destroy()
  secure.on('error', fail)
  secure.once('secure', () => {
    secure.off('error', fail)
    leave()
    enter(secure)
  })
}

function refusePlain(socket: Socket, { clock, cors, countStatus }: DoorDeps): void {
  socket.resume()
  const cancel = clock.wakeIn(LINGER_MS, () => socket.destroy())
  socket.once('close', cancel)
  socket.once('end', () => socket.destroy())
  answerRaw(socket, { answer: statusResponse(ONLY_HTTPS, 403), cors, sent: () => undefined })
  countStatus(403)
}
