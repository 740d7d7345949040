/** Turns an HTTP request into what a handler gets: inputs and headers (contract rest-api §5). */
import type { InferenceRequest } from '../serving/job.js'
import { boundaryOf, parseMultipart, parseUrlencoded, partOf, type InputPart } from './form.js'
import { PRIORITY_HEADER, TIMEOUT_HEADER, urgencyOf } from './job-headers.js'
import { headerOf, type HeaderList, type HttpRequest } from './message.js'
import type { Query } from './target.js'

/** The names and values that a handler sees, in the client's spelling; of a repeated header the last value. */
export type HandlerHeaders = Readonly<Record<string, string>>

/** What the route knows of a prediction, beside the request itself. */
export interface Call {
  readonly model: string
  /** Undefined: the default version. */
  readonly version: string | undefined
  readonly operation: InferenceRequest['operation']
  /** Headers that the route adds: `explain`, `url_path`. */
  readonly extraHeaders: HandlerHeaders
  /** Query parameters that become inputs, in front of the body's. */
  readonly inputs: Query | undefined
}

const SEQUENCE_HEADER = 'ts_request_sequence_id'
const URLENCODED = 'application/x-www-form-urlencoded'

/** Reads and decodes the body. Rejects as {@link HttpRequest.body} does, and with bad-request for a malformed form. */
export async function readInputs(request: HttpRequest, query: Query | undefined): Promise<InputParts> {
  const body = await request.body()
  const contentType = headerOf(request.rawHeaders, 'content-type')
  const parts = await bodyParts(body, contentType)
  if (query === undefined || query.size === 0) return { parts, bytes: body.length }
  const names = new Set(parts.map((part) => part.name))
  const fromQuery = [...query]
    .filter(([name]) => !names.has(name))
    .map(([name, value]) => partOf(name, Buffer.from(value)))
  return { parts: [...fromQuery, ...parts], bytes: body.length }
}

/** A request's inputs, and the length of its body. */
export interface InputParts {
  readonly parts: readonly InputPart[]
  readonly bytes: number
}

function bodyParts(
  body: Uint8Array,
  contentType: string | undefined,
): InputPart[] | Promise<readonly InputPart[]> {
  if (contentType === undefined) return [partOf('body', body)]
  const boundary = boundaryOf(contentType)
  if (boundary !== undefined) return parseMultipart(body, boundary)
  // Not trimmed: with a blank before its semicolon a type is not decoded, as in the original.
  const mediaType = contentType.split(';', 1)[0] ?? ''
  if (mediaType.trim().toLowerCase() === URLENCODED) return parseUrlencoded(body)
  return [partOf('body', body, mediaType)]
}

/**
 * Makes the request that the serving side takes. Throws bad-request where `strict` and a header says what cannot be.
 */
export function inferenceRequest(
  request: HttpRequest,
  call: Call,
  { inputs, strict }: { inputs: InputParts; strict: boolean },
): InferenceRequest {
  const { parts, bytes } = inputs
  const { headers, sequenceId, hasLength, priority, timeout } = handlerHeaders(request.rawHeaders)
  const { receivedMs } = request
  // A body of unknown length, or none, gains a length that the handler sees (contract §16).
  if (!hasLength) headers['content-length'] = String(bytes)
  return {
    id: request.id,
    model: call.model,
    version: call.version,
    operation: call.operation,
    headers: Object.assign(headers, call.extraHeaders),
    input: { kind: 'parts', parts },
    signal: request.signal,
    receivedMs,
    ...(priority === undefined && timeout === undefined
      ? {}
      : urgencyOf({ priority, timeout }, { receivedMs, strict })),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  }
}

function handlerHeaders(rawHeaders: HeaderList) {
  const headers: Record<string, string> = {}
  let sequenceId: string | undefined
  let hasLength = false
  let priority: string | undefined
  let timeout: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (name === '__proto__') continue // would set the object's prototype
    // The original's handlers see a length in its place (contract §16).
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') continue
    headers[name] = value
    if (name.length === 14 && name.toLowerCase() === 'content-length') hasLength = true
    if (name.length === PRIORITY_HEADER.length && name.toLowerCase() === PRIORITY_HEADER) priority = value
    if (name.length === TIMEOUT_HEADER.length && name.toLowerCase() === TIMEOUT_HEADER) timeout = value
    if (name.length === SEQUENCE_HEADER.length && name.toLowerCase() === SEQUENCE_HEADER) sequenceId = value
  }
  return { headers, sequenceId, hasLength, priority, timeout }
}
