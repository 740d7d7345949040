/** `?customized=true`: a describe job to the handler, whose answer is embedded (contract rest-api §7.3). */
import { MarinaError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Answer, Infer } from '../serving/job.js'
import { failureResponse, retryAfter, type Asked } from './errors.js'
import type { HttpRequest, HttpResponse } from './message.js'
import { errorBody, jsonResponse } from './responses.js'

/** Answers the described version with `customizedMetadata` beside its other fields. */
export async function describeCustomized(
  request: HttpRequest,
  {
    asked,
    versions,
    deps,
  }: {
    asked: Asked
    versions: readonly Record<string, unknown>[]
    deps: { readonly infer: Infer; readonly log: Logger; readonly torchserve: boolean }
  },
): Promise<HttpResponse> {
  const answer = await ask(request, asked, deps.infer)
  if (answer instanceof MarinaError) return noWorker(asked.model, answer.retryAfterMs)
  const { outcome } = answer
  if (outcome.kind === 'streamed' || outcome.kind === 'refused') return noWorker(asked.model)
  if (outcome.kind !== 'ok')
    return failureResponse(outcome, asked, {
      log: deps.log,
      id: request.id,
      verbose: false,
      torchserveTypes: deps.torchserve,
    })
  const customizedMetadata = metadataOf(Buffer.from(outcome.body).toString('utf8'))
  return { ...jsonResponse(versions.map((version) => ({ ...version, customizedMetadata }))), reason: '' }
}

async function ask(request: HttpRequest, asked: Asked, infer: Infer): Promise<Answer | MarinaError> {
  try {
    return await infer({
      id: request.id,
      model: asked.model,
      version: asked.version,
      operation: 'describe',
      headers: { describe: 'True' },
      input: { kind: 'parts', parts: [] },
      signal: request.signal,
      receivedMs: request.receivedMs,
    })
  } catch (error) {
    if (error instanceof MarinaError && (error.code === 'no-worker' || error.code === 'queue-full'))
      return error
    throw error
  }
}

function noWorker(model: string, afterMs?: number): HttpResponse {
  const message = `Model "${model}" has no worker to serve describe request. Please use scale workers API to add workers.`
  return errorBody(503, { type: 'ServiceUnavailableException', message, headers: retryAfter(afterMs) })
}

/** An object as it is, other JSON as `{}`, nothing for an empty answer. */
function metadataOf(text: string): unknown {
  if (text === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}
