/** One request on a socket: from `node:http`'s objects to {@link HttpRequest}, and from the answer to bytes. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { MarinaError } from '../errors.js'
import type { AccessLog } from './access-log.js'
import type { Logger } from '../log.js'
import type { HangUp } from '../serving/job.js'
import { announcedBytes, BodyReader, bodyTooLarge, type ByteBudget } from './body.js'
import { corsBeside } from './cors.js'
import { errorResponse } from './errors.js'
import type {
  HeaderList,
  HttpHandler,
  HttpRequest,
  HttpResponse,
  ResponseStream,
  WholeResponse,
} from './message.js'
import { reasonOf } from './reason.js'
import { COMMON_HEADERS } from './responses.js'

/** What exchanges need of their server. */
export interface ExchangeDeps {
  readonly handle: HttpHandler
  readonly clock: Clock
  readonly log: Logger
  readonly budget: ByteBudget
  readonly maxRequestBytes: number
  /** CORS headers for every answer that has none of that name; empty where none are configured. */
  readonly cors: HeaderList
  /** Counts every head that is sent. */
  readonly countStatus: (status: number) => void
  /** Counts a client that hung up before its request had come whole. */
  readonly countHangUp: () => void
  /** Logs every head that is sent; undefined: nobody wants to know. */
  readonly access?: AccessLog | undefined
  /** True once no further request is wanted on a connection: answers then carry `connection: close`. */
  readonly closing: () => boolean
}

// How long what a refused client still sends is swallowed, so that it reads its answer instead of a reset.
const LINGER_MS = 5000

/** A request that is being answered. */
export interface Exchange {
  /** Refuses what is still missing of the body: the bytes are not HTTP, they come too slowly, or (default) no more. */
  failBody(error?: MarinaError): void
  isBodyComplete(): boolean
  /** Bytes of the body that have come; undefined unless the answer waits for more of it. */
  awaitedBodyBytes(): number | undefined
  /** The connection is gone, with all that this request still held of it. */
  abandon(): void
}

/** One request on its connection. */
export interface ExchangeStart {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Aborted when the connection is gone. */
  readonly signal: HangUp
  readonly expectsContinue: boolean
  /** Called when the head of an answer says that the connection ends with it. */
  readonly ends: () => void
  /** Called when the answer is complete or the connection is gone; once or more often. */
  readonly done: () => void
}

/** Answers one request. */
export function startExchange(
  { request, response, signal, expectsContinue, ends, done }: ExchangeStart,
  deps: ExchangeDeps,
): Exchange {
  const body = new BodyReader(request, deps)
  const id = randomUUID()
  response.sendDate = false
  const end = () => {
    body.release()
    done()
  }
  response.on('close', end)
  const receivedMs = deps.clock.nowMs()
  const writer: Writer = { request, response, id, deps, ends, receivedMs, bodyMayCome: !expectsContinue }
  void answer(
    {
      id,
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      receivedMs,
      signal,
      body() {
        if (expectsContinue) response.writeContinue()
        writer.bodyMayCome = true
        return body.read()
      },
    },
    writer,
  )
  return {
    failBody(error) {
      if (error === undefined && !response.headersSent) deps.countHangUp()
      writer.bodyMayCome = false
      body.fail(error)
    },
    // No getter: an object literal with one gets a hidden class of its own, which V8 keeps, with the request behind it,
    // until the next full collection (measured: 18 µs of CPU time a request).
    isBodyComplete: () => request.complete,
    awaitedBodyBytes: () => body.awaitedBytes,
    abandon: end,
  }
}

interface Writer {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly id: string
  readonly deps: ExchangeDeps
  readonly ends: () => void
  readonly receivedMs: number
  /** False while the client waits for a `100 Continue` that it has not been given, and after bytes that are not HTTP. */
  bodyMayCome: boolean
}

/** Never rejects. */
async function answer(http: HttpRequest, writer: Writer): Promise<void> {
  const { request, response, id, deps } = writer
  try {
    const announced = announcedBytes(request)
    if (announced !== undefined && announced > deps.maxRequestBytes) throw bodyTooLarge(deps.maxRequestBytes)
    finish(await deps.handle(http, createStream(writer)), writer)
  } catch (error) {
    if (response.headersSent) {
      deps.log.warn('An answer broke off.', { id, error: String(error) })
      response.destroy()
    } else {
      finish(errorResponse(error, { log: deps.log, id }), writer)
    }
  }
}

function finish(answer: HttpResponse, writer: Writer): void {
  const { response } = writer
  if (response.destroyed) return
  switch (answer.kind) {
    case 'whole':
      writeWhole(answer, writer)
      return
    case 'streamed':
      response.end()
      return
    case 'broken':
      response.destroy()
      return
    default:
      answer satisfies never
  }
}

function writeWhole(answer: WholeResponse, writer: Writer): void {
  const { request, response } = writer
  const body = joinable(answer.body)
  const length = typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length
  writeHead(answer, { writer, length })
  if (request.complete || announcedBytes(request) === 0 || !writer.bodyMayCome) {
    if (typeof body === 'string') response.end(body, 'latin1')
    else response.end(body)
  } else {
    // The answer is whole for the client now; ending the connection at once would reset it under the client's hands.
    response.write(answer.body)
    swallowRest(writer)
  }
}

// Node writes a head and a text body as one string, but a head and a buffer as two vectors of a slower system call:
// measured 4 µs less per answer for bodies of a few hundred bytes. Larger ones are worth no copy.
const JOIN_BYTES = 4096

/** A small body as text of one byte a character, which is the same bytes on the wire. */
function joinable(body: Uint8Array | string): Uint8Array | string {
  if (body.length > JOIN_BYTES) return body
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length)
  return bytes.toString('latin1')
}

function swallowRest({ request, response, deps }: Writer): void {
  const end = () => {
    cancel()
    response.end()
  }
  const cancel = deps.clock.wakeIn(LINGER_MS, end)
  request.once('end', end)
  request.once('close', end)
  request.resume()
}

function writeHead(
  { status, reason, headers }: { status: number; reason?: string; headers: HeaderList },
  { writer, length }: { writer: Writer; length: number | undefined },
): void {
  const { request, response, id, deps } = writer
  const keepAlive =
    status < 400 &&
    response.shouldKeepAlive &&
    !deps.closing() &&
    writer.bodyMayCome &&
    // Node's parser drops what follows an `Upgrade` that nobody took up.
    request.headers.upgrade === undefined &&
    // A stream to HTTP/1.0 can only end with its connection.
    (length !== undefined || request.httpVersionMinor > 0)
  const list = ['x-request-id', id, ...COMMON_HEADERS, ...headers]
  if (deps.cors.length > 0) list.push(...corsBeside(deps.cors, headers))
  if (length !== undefined && status !== 204 && status !== 304) list.push('content-length', String(length))
  list.push('connection', keepAlive ? 'keep-alive' : 'close')
  if (!keepAlive) writer.ends()
  response.writeHead(status, reason ?? reasonOf(status), list)
  deps.countStatus(status)
  deps.access?.(request, { status, ms: deps.clock.nowMs() - writer.receivedMs, id })
}

function createStream(writer: Writer): ResponseStream {
  const { response } = writer
  return {
    open: (head) => writeHead({ reason: '', ...head }, { writer, length: undefined }),
    write: (data) => {
      if (response.destroyed) return Promise.reject(new Error('The client hung up.'))
      return response.write(data) ? undefined : drained(response)
    },
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => () => {
      response.off('drain', drain)
      response.off('close', close)
      done()
    }
    const drain = settle(resolve)
    const close = settle(() => reject(new Error('The client hung up.')))
    response.once('drain', drain)
    response.once('close', close)
  })
}
