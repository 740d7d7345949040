/** What a handler returned or threw, turned into what goes back over the wire. */
import { fileURLToPath } from 'node:url'
import { isFailure, type Failure, type FullReply, type Reply, type ReplyBody } from '../handlers/handler.js'
import type { WireOutcome } from '../protocol/messages.js'
import { MarinaError, messageOf } from '../errors.js'

/** A reply whose body is streamed. */
export interface StreamedReply {
  readonly kind: 'stream'
  readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  readonly pieces: AsyncIterable<ReplyBody>
}

/** What a handler's reply comes to: the job's outcome at once, or a stream that is still to be written. */
export function openReply(
  reply: Reply,
): StreamedReply | { readonly kind: 'whole'; readonly outcome: WireOutcome } {
  const { status, headers, body } = isFullReply(reply) ? reply : { status: 200, headers: {}, body: reply }
  const wrong = wrongHead(status, headers)
  if (wrong !== undefined)
    return { kind: 'whole', outcome: invalidOutput(`The handler's answer has ${wrong}.`) }
  if (isStream(body)) return { kind: 'stream', head: { status, headers }, pieces: body }
  return { kind: 'whole', outcome: okOutcome(body, { status, headers }) }
}

/** All three, so that JSON which happens to say `reply: true` is still JSON. */
function isFullReply(reply: Reply): reply is FullReply {
  return (
    typeof reply === 'object' &&
    reply !== null &&
    'reply' in reply &&
    reply.reply === true &&
    'status' in reply &&
    'headers' in reply &&
    'body' in reply
  )
}

function isStream(body: FullReply['body']): body is AsyncIterable<ReplyBody> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/** What makes a head one that HTTP cannot say (RFC 9110 §5, §15), or undefined. Handlers in JavaScript are not type-checked. */
function wrongHead(status: unknown, headers: unknown): string | undefined {
  if (!Number.isInteger(status) || Number(status) < 200 || Number(status) > 599)
    return `the status ${JSON.stringify(status)}, not a whole number from 200 to 599`
  if (typeof headers !== 'object' || headers === null) return 'headers that are no object'
  for (const [name, value] of Object.entries(headers as Record<string, unknown>)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return `a header that is named ${JSON.stringify(name)}`
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      return `the value ${JSON.stringify(value)} in the header ${name}`
  }
  return undefined
}

/** A body's bytes: bytes as they are, text as UTF-8, anything else as JSON (TorchServe's rule, contract rest-api §6.1). */
export function encodeBody(body: ReplyBody): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  const text = JSON.stringify(body, null, 2) as string | undefined
  if (text === undefined) throw new TypeError(`a value of type ${typeof body} cannot be written as JSON`)
  return Buffer.from(text)
}

function okOutcome(
  body: ReplyBody,
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
): WireOutcome {
  try {
    const json = !(body instanceof Uint8Array) && typeof body !== 'string'
    const typed =
      json && !hasContentType(headers) ? { ...headers, 'content-type': 'application/json' } : headers
    return { kind: 'ok', status, headers: typed, body: { kind: 'inline', data: encodeBody(body) } }
  } catch (error) {
    return invalidOutput(`The handler's answer cannot be written: ${messageOf(error)}`)
  }
}

const hasContentType = (headers: Readonly<Record<string, string>>) =>
  Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')

/** The outcome of a job that the handler failed on purpose. */
export function rejectedOutcome({ status, text }: Failure): WireOutcome {
  // Handlers in JavaScript are not type-checked.
  const words: unknown = text
  // As `failure` promises; a status that says otherwise is a mistake of the handler's, so the server's fault.
  const isError = Number.isInteger(status) && status >= 400 && status <= 599
  return {
    kind: 'failed',
    reason: 'rejected',
    status: isError ? status : 500,
    message: String(words),
  }
}

/** The outcome of jobs whose handler returned what is no list of rows. */
export function invalidOutput(message: string): WireOutcome {
  return { kind: 'failed', reason: 'invalid-output', status: 503, message }
}

/** The outcome of jobs whose handler threw; `modelDir` shortens the place that is named. */
export function thrownOutcome(error: unknown, modelDir: string): WireOutcome {
  if (isFailure(error)) return rejectedOutcome(error)
  const outOfMemory = error instanceof RangeError && /allocation|memory/i.test(error.message)
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const where = placeOf(trace, modelDir)
  return {
    kind: 'failed',
    reason: outOfMemory ? 'out-of-memory' : 'exception',
    status: outOfMemory ? 507 : 503,
    message: describeThrown(error),
    ...(where === undefined ? {} : { where }),
    trace,
  }
}

/** An error of user code with its name; those of Marina are sentences. */
function describeThrown(error: unknown): string {
  return error instanceof Error && !(error instanceof MarinaError)
    ? `${error.name}: ${error.message}`
    : messageOf(error)
}

/**
 * `file:line` of the first frame that lies in the model's folder; or else, since the map of a handler that is being worked
 * on leads to its project, of the first that is neither an installed package's nor Marina's; or else of the first at all.
 */
function placeOf(trace: string, modelDir: string): string | undefined {
  const places = [...trace.matchAll(/(?:\(|\s|file:\/\/)(\/[^\s():]+):(\d+):\d+/g)]
  const isForeign = (file: string) =>
    file.includes('/node_modules/') || ownFolders.some((own) => file.startsWith(own))
  const own = places.find(([, file = '']) => file.startsWith(modelDir) && !file.includes('/node_modules/'))
  const [, file, line] = own ?? places.find(([, path = '']) => !isForeign(path)) ?? places[0] ?? []
  if (file === undefined || line === undefined) return undefined
  return `${file.startsWith(`${modelDir}/`) ? file.slice(modelDir.length + 1) : file}:${line}`
}

/** Where Marina's own code lies: compiled, and as its maps name it. */
const ownFolders = ['../../dist/', '../../src/'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
