/** The one place where errors and failed outcomes become HTTP answers (contract rest-api §2.3, §3). */
import { MarinaError, messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { Outcome } from '../serving/job.js'
import type { WholeResponse } from './message.js'
import { errorBody } from './responses.js'

/** What an error answer may say, and where the full story goes. */
export interface ErrorOptions {
  readonly log: Logger
  /** The request id, for the log. */
  readonly id: string
}

/** Answers anything that was thrown; what is not a MarinaError is a defect: 500, and logged with its stack. */
export function errorResponse(error: unknown, { log, id }: ErrorOptions): WholeResponse {
  if (error instanceof MarinaError) {
    // Why a download failed may tell about the server's network, and so is told only here.
    if (error.status >= 500 || error.code === 'download-failed')
      log.warn(error.message, { id, code: error.code, ...causeOf(error) })
    const headers = error.code === 'overloaded' ? retryAfter() : []
    return errorBody(error.status, { type: error.type, message: error.message, headers })
  }
  log.error('A request failed inside the server.', {
    id,
    error: error instanceof Error ? error.stack : messageOf(error),
  })
  return errorBody(500, { type: 'InternalServerException', message: 'Internal server error.' })
}

const causeOf = (error: MarinaError) => (error.cause === undefined ? {} : { cause: messageOf(error.cause) })

/** Whom a prediction was for: names stand in the texts. */
export interface Asked {
  readonly model: string
  /** As in the URL; undefined where it named none. */
  readonly version: string | undefined
}

/** How predictions that fail are answered. */
export interface FailureOptions extends ErrorOptions {
  /** A handler's text and place go to the client too. */
  readonly verbose: boolean
  /** Statuses that a handler chose keep TorchServe's one `type` for them. */
  readonly torchserveTypes: boolean
}

/** `Retry-After` in whole seconds: at least one, and no more than a client would believe. Source: RFC 9110 §10.2.3. */
export const retryAfter = (ms = 0): readonly ['Retry-After', string] => [
  'Retry-After',
  String(Math.min(MOST_SECONDS, Math.max(1, Math.ceil(ms / 1000)))),
]

const MOST_SECONDS = 60

/**
 * No worker, or a full queue: one text for both, stray quote included, since clients match it. `afterMs`: when it is worth
 * asking again, as far as it is known.
 */
export function noWorkerResponse({ model, version }: Asked, afterMs?: number): WholeResponse {
  const whom = version === undefined ? `Model "${model}"` : `Model "${model}" Version ${version}"`
  const message =
    `${whom} has no worker to serve inference request. Please use scale workers API to add workers. ` +
    'If this is a sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize'
  return errorBody(503, { type: 'ServiceUnavailableException', message, headers: retryAfter(afterMs) })
}

/** Answers a job that did not end well. */
export function failureResponse(
  outcome: Exclude<Outcome, { kind: 'ok' | 'streamed' }>,
  asked: Asked,
  options: FailureOptions,
): WholeResponse {
  switch (outcome.kind) {
    case 'failed':
      return handlerFailure(outcome, asked, options)
    case 'died':
      options.log.error(`A worker of ${asked.model} died with this request.`, {
        id: options.id,
        reason: outcome.message,
        stderr: outcome.stderr,
      })
      return internal(500, 'Worker died.', options.verbose ? outcome.message : undefined)
    case 'timed-out':
      return timedOut(outcome.phase, asked, options)
    case 'refused':
    case 'cancelled': // Nobody reads this one; the server stops.
      return noWorkerResponse(asked)
    default:
      outcome satisfies never
      return internal(500, 'Worker died.', undefined)
  }
}

function timedOut(
  phase: Extract<Outcome, { kind: 'timed-out' }>['phase'],
  { model }: Asked,
  { log, id, verbose }: FailureOptions,
): WholeResponse {
  if (phase === 'response') {
    log.warn(`A request to ${model} timed out.`, { id, phase })
    return internal(500, 'Worker died.', verbose ? 'no answer within the response timeout' : undefined)
  }
  // TorchServe's words, which people search logs for (contract server-config §13.3); it answers nothing.
  const what = phase === 'queue' ? 'inference request' : 'response for inference request'
  log.warn(`Drop ${what} ${id} due to client timeout`, { id, model })
  const when = phase === 'queue' ? 'a worker could take it' : 'it was answered'
  const message = `The deadline of the request passed before ${when}.`
  return errorBody(408, { type: 'RequestTimeoutException', message })
}

function handlerFailure(
  outcome: Extract<Outcome, { kind: 'failed' }>,
  { model }: Asked,
  { log, id, verbose, torchserveTypes }: FailureOptions,
): WholeResponse {
  const { reason, message, where } = outcome
  if (reason === 'rejected') {
    const status = outcome.status >= 400 && outcome.status <= 999 ? outcome.status : 500
    const type = torchserveTypes ? 'InternalServerException' : typeOf(status)
    return errorBody(status, { type, message })
  }
  log.error(failureText(outcome), { id, model, where })
  const detail = verbose ? [message, where && `(${where})`].filter(Boolean).join(' ') : undefined
  switch (reason) {
    case 'exception':
      return internal(503, 'Prediction failed', detail)
    case 'invalid-output':
      return internal(503, message, undefined)
    case 'out-of-memory':
      return internal(507, 'Out of resources', detail)
    default:
      reason satisfies never
      return internal(500, 'Prediction failed', undefined)
  }
}

/** TorchServe's words, which people search logs for (contract python-handlers §6), then what happened. */
function failureText({ reason, message, trace }: Extract<Outcome, { kind: 'failed' }>): string {
  switch (reason) {
    case 'exception':
      return `Invoking custom service failed.\n${trace ?? message}`
    case 'out-of-memory':
      return `${message.includes('CUDA') ? 'CUDA' : 'System'} out of memory\n${trace ?? message}`
    case 'invalid-output':
    case 'rejected':
      return trace ?? message
    default:
      return reason satisfies never
  }
}

function internal(status: number, text: string, detail: string | undefined): WholeResponse {
  const message = detail === undefined ? text : `${text}: ${detail}`
  return errorBody(status, { type: 'InternalServerException', message })
}

const TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  403: 'IllegalArgumentException',
  404: 'ResourceNotFoundException',
  405: 'MethodNotAllowedException',
  408: 'RequestTimeoutException',
  409: 'ConflictStatusException',
  413: 'RequestEntityTooLargeException',
  503: 'ServiceUnavailableException',
}

/** The exception name that goes with a status which a handler chose. */
const typeOf = (status: number): string =>
  TYPE_OF_STATUS[status] ?? (status < 500 ? 'BadRequestException' : 'InternalServerException')
