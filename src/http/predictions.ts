/** The prediction route, whatever its URL: decode, infer, encode (contract rest-api §4.3, §5, §6). */
import { MarinaError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Catalog } from '../serving/catalog.js'
import type { Answer, Chunk, Infer, Outcome } from '../serving/job.js'
import { inferenceRequest, readInputs, type Call, type HandlerHeaders, type InputParts } from './decode.js'
import { failureResponse, noWorkerResponse } from './errors.js'
import { withWhatExists } from './hints.js'
import type { HttpRequest, HttpResponse, ResponseStream } from './message.js'
import { serverTiming } from './server-timing.js'

/** What predictions need of the server. */
export interface PredictionDeps {
  readonly infer: Infer
  readonly catalog: Catalog
  readonly log: Logger
  readonly nowMs: () => number
  /** Handlers' messages go to the client. */
  readonly verboseErrors: boolean
  /** TorchServe's habits to the letter: no hints in texts, no `Server-Timing`, one `type` for handlers' statuses. */
  readonly torchserve: boolean
}

/** Answers one prediction. `inputs` are given where the route had to read the body itself. */
export async function predict(
  request: HttpRequest,
  stream: ResponseStream,
  { call, deps, inputs }: { call: Call; deps: PredictionDeps; inputs?: InputParts },
): Promise<HttpResponse> {
  const decoded = inputs ?? (await readInputs(request, call.inputs))
  const writer = createStreamWriter(stream)
  let answer: Answer
  try {
    answer = await deps.infer(
      inferenceRequest(request, call, { inputs: decoded, strict: !deps.torchserve }),
      writer.onChunk,
    )
  } catch (error) {
    return refusal(error, call, deps)
  }
  const { outcome, job } = answer
  if (writer.opened) return endStream(outcome, request, deps.log)
  if (outcome.kind === 'ok')
    return okResponse(outcome, deps.torchserve ? undefined : serverTiming(job.timing, deps.nowMs()))
  // A stream without a single piece.
  if (outcome.kind === 'streamed') return { kind: 'whole', status: 200, reason: '', headers: [], body: '' }
  return failureResponse(outcome, call, {
    log: deps.log,
    id: request.id,
    verbose: deps.verboseErrors,
    torchserveTypes: deps.torchserve,
  })
}

/** An answer that never became a job. */
function refusal(error: unknown, call: Call, { catalog, torchserve }: PredictionDeps): HttpResponse {
  if (error instanceof MarinaError && (error.code === 'no-worker' || error.code === 'queue-full'))
    return noWorkerResponse(call, error.retryAfterMs)
  throw torchserve ? error : withWhatExists(error, call.model, catalog)
}

function okResponse(outcome: Extract<Outcome, { kind: 'ok' }>, timing: string | undefined): HttpResponse {
  const headers = handlerHeaders(outcome.headers)
  if (timing !== undefined) headers.push('Server-Timing', timing)
  // Without a phrase of the handler's an empty one, as TorchServe's.
  const { status, phrase = '', body } = outcome
  return { kind: 'whole', status, reason: phrase, headers, body }
}

// Those that the server writes itself (contract §2.1), and those that belong to the connection.
const SERVER_HEADERS = new Set([
  'x-request-id',
  'pragma',
  'cache-control',
  'expires',
  'content-length',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'date',
])

function handlerHeaders(headers: HandlerHeaders): string[] {
  const list: string[] = []
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !SERVER_HEADERS.has(name.toLowerCase())) list.push(name, value)
  }
  return list
}

function createStreamWriter(stream: ResponseStream) {
  const writer = {
    opened: false,
    onChunk: (chunk: Chunk): void | Promise<void> => {
      if (!writer.opened) {
        writer.opened = true
        const { status = 200, phrase = '', headers = {} } = chunk.head ?? {}
        stream.open({
          status,
          reason: phrase,
          headers: [...handlerHeaders(headers), 'ts_stream_next', 'true'],
        })
      }
      return chunk.data.length === 0 ? undefined : stream.write(chunk.data)
    },
  }
  return writer
}

/** Ends a stream that has begun; a failure in its middle can only be shown by breaking the connection. */
function endStream(outcome: Outcome, request: HttpRequest, log: Logger): HttpResponse {
  if (outcome.kind === 'streamed') return { kind: 'streamed' }
  if (outcome.kind !== 'cancelled')
    log.warn('A streamed answer broke off.', { id: request.id, outcome: outcome.kind })
  return { kind: 'broken' }
}
