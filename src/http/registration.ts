/** Parameters of `POST /models`, from the query or from a lenient JSON body (contract rest-api §7.2). */
import { badRequest, messageOf } from '../errors.js'
import type { Registration } from '../serving/catalog.js'
import { headerOf, type HttpRequest } from './message.js'
import { booleanOf, integerOf, type Query } from './target.js'

/** What a client asked to be registered, and whether it waits for the workers. */
export interface RegisterCall {
  readonly registration: Registration
  readonly synchronous: boolean
  /** The client asked for requests to S3 that are signed (`s3_sse_kms=true`). */
  readonly signed: boolean
}

/** A JSON body is read instead of the query, never beside it. Rejects with bad-request and model-not-found. */
export async function readRegistration(request: HttpRequest, query: Query): Promise<RegisterCall> {
  const mediaType = headerOf(request.rawHeaders, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  const isJson = mediaType === 'application/json'
  return parseRegistration(isJson ? await readLenientJson(await request.body()) : query)
}

const RUNTIMES = ['python', 'python3', 'LSP', 'node'] as const

function parseRegistration(values: Query): RegisterCall {
  const runtime = values.get('runtime')
  const knownRuntime = RUNTIMES.find((known) => known === runtime)
  if (runtime !== undefined && knownRuntime === undefined)
    throw badRequest(`Invalid RuntimeType value: ${runtime}`)
  const synchronous = booleanOf(values.get('synchronous'), true)
  return {
    registration: {
      synchronous,
      url: required(values.get('url')),
      modelName: values.get('model_name') || undefined,
      handler: values.get('handler') || undefined,
      runtime: knownRuntime,
      batchSize: atLeast(1, values.get('batch_size')),
      maxBatchDelayMs: atLeast(0, values.get('max_batch_delay')),
      initialWorkers: workersOf(values.get('initial_workers')),
      responseTimeoutMs: thousandfold(atLeast(0, values.get('response_timeout'))),
      startupTimeoutMs: thousandfold(atLeast(0, values.get('startup_timeout'))),
    },
    synchronous,
    signed: booleanOf(values.get('s3_sse_kms'), false),
  }
}

/** Whether the url leads anywhere is the catalog's business. */
function required(url: string | undefined): string {
  if (url === undefined) throw badRequest('Parameter url is required.')
  return url
}

/** What is below is TorchServe's way to say "not given". */
function atLeast(least: number, value: string | undefined): number | undefined {
  const number = integerOf(value, least - 1)
  return number >= least ? number : undefined
}

// Given and not positive means none; absent leaves it to the configuration.
const workersOf = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : Math.max(0, integerOf(value, 0))

const thousandfold = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : value * 1000

/**
 * Reads JSON as Gson does at its most lenient: single quotes, names without quotes, quoted numbers. YAML's flow style is
 * a superset of all that, so what JSON refuses is given to the YAML parser.
 */
async function readLenientJson(body: Uint8Array): Promise<Query> {
  const value = await parseLenient(Buffer.from(body).toString('utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('The body must be a JSON object of registration parameters.')
  const pairs = Object.entries(value).flatMap(([name, entry]): [string, string][] => {
    if (entry === null || entry === undefined) return []
    if (typeof entry === 'object') throw badRequest(`Parameter ${name} must be a plain value.`)
    return [[name, String(entry)]]
  })
  return new Map(pairs)
}

async function parseLenient(text: string): Promise<unknown> {
  try {
    return JSON.parse(text)
  } catch {
    const { parse } = await import('yaml')
    try {
      // Only a flow mapping: a word or a list of words is YAML, but nobody's JSON.
      const value: unknown = text.trimStart().startsWith('{') ? parse(text, { version: '1.2' }) : undefined
      if (value !== undefined) return value
    } catch (cause) {
      throw badRequest(`The body is not JSON: ${messageOf(cause)}`, cause)
    }
    throw badRequest('The body is not JSON.')
  }
}
