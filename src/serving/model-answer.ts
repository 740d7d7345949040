/** What a caller in the same program gives a model, and what it gets back: `load` speaks to people, not over HTTP. */
import { MarinaError } from '../errors.js'
import type { WireInput } from '../protocol/messages.js'
import type { Outcome } from './job.js'

/** The body of a request: bytes and text as they are, anything else as JSON. */
export type ModelInput = Uint8Array | string | object

/** An answer as HTTP would carry it. */
export interface ModelAnswer {
  /** The handler's; 200 where it set none. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The one part of a request, `body`, with its media type: the given one, or what goes with the kind of `input`. */
export function encodeInput(
  input: ModelInput,
  given: string | undefined,
): { input: WireInput; contentType: string | undefined } {
  const { data, own } =
    input instanceof Uint8Array
      ? { data: input, own: undefined }
      : typeof input === 'string'
        ? { data: Buffer.from(input), own: 'text/plain' }
        : { data: Buffer.from(JSON.stringify(input)), own: 'application/json' }
  const contentType = given ?? own
  const mediaType = contentType?.split(';')[0]?.trim()
  const part = { name: 'body', body: { kind: 'inline', data } as const }
  const parts = [mediaType === undefined ? part : { ...part, contentType: mediaType }]
  return { input: { kind: 'parts', parts }, contentType }
}

/**
 * The answer of a job, also of one that its handler failed on purpose: its status and text.
 * @throws MarinaError `prediction-failed` with the exception and its `file:line`, `worker-out-of-memory`, `worker-failed`
 * (its worker died), `request-timeout`, `no-worker` and `stopped`
 */
export function answerOf(outcome: Outcome): ModelAnswer {
  switch (outcome.kind) {
    case 'ok':
      return { status: outcome.status, headers: outcome.headers, body: outcome.body }
    case 'failed':
      return failedAnswer(outcome)
    case 'died':
      throw new MarinaError('worker-failed', `The model's worker died: ${outcome.message}`, {
        cause: outcome.stderr.join('\n'),
      })
    case 'timed-out':
      throw new MarinaError('request-timeout', 'The model did not answer in time.')
    case 'refused':
      throw new MarinaError('no-worker', outcome.message)
    case 'cancelled':
      throw new MarinaError('stopped', 'The request was cancelled.')
    case 'streamed': // Only callers who take pieces are answered so.
      return { status: 200, headers: {}, body: new Uint8Array() }
    default:
      return outcome satisfies never
  }
}

function failedAnswer({
  reason,
  status,
  message,
  where,
  trace,
}: Extract<Outcome, { kind: 'failed' }>): ModelAnswer {
  if (reason === 'rejected')
    return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(message) }
  const code = reason === 'out-of-memory' ? 'worker-out-of-memory' : 'prediction-failed'
  throw new MarinaError(code, where === undefined ? message : `${message} (${where})`, { cause: trace })
}

/**
 * What an answer says: JSON parsed, by its content type; text, where the type says so or there is none and the bytes are
 * UTF-8; else the bytes.
 * @throws MarinaError `bad-request` or `prediction-failed`, with the handler's text, for a status from 400 on
 */
export function valueOf({ status, headers, body }: ModelAnswer): unknown {
  if (status >= 400)
    throw new MarinaError(status < 500 ? 'bad-request' : 'prediction-failed', Buffer.from(body).toString())
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'content-type')
  const type = name === undefined ? undefined : headers[name]
  if (type !== undefined && /^application\/([\w.-]+\+)?json\b/i.test(type))
    return JSON.parse(Buffer.from(body).toString()) as unknown
  if (type === undefined) return textIfUtf8(body) ?? body
  return /^text\//i.test(type) ? Buffer.from(body).toString() : body
}

function textIfUtf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}
