/** The management port: register, list, describe, scale, set-default, unregister (contract rest-api §7). */
import { badRequest, endpointNotFound, MarinaError, methodNotAllowed } from '../errors.js'
import type { Logger } from '../log.js'
import type { Catalog } from '../serving/catalog.js'
import type { Infer } from '../serving/job.js'
import { describeCustomized } from './describe-customized.js'
import { describeVersion } from './describe.js'
import { withWhatExists } from './hints.js'
import type { HttpRequest, HttpResponse } from './message.js'
import { describeModelManagement } from './openapi-routes.js'
import { readRegistration } from './registration.js'
import { jsonResponse, statusResponse } from './responses.js'
import type { Ask, Route } from './routes.js'
import { booleanOf, integerOf, type Query } from './target.js'

/** What the management port needs of the server. */
export interface ManagementDeps {
  readonly catalog: Catalog
  /** Asks handlers for their own metadata. */
  readonly infer: Infer
  readonly log: Logger
  /** Most workers that a model is given through the API. */
  readonly maxWorkers: number
  /** POST and DELETE are allowed. */
  readonly modelApi: boolean
  /** TorchServe's texts to the letter: no hints. */
  readonly torchserve: boolean
  readonly serverVersion: string
}

/** Makes the routes of the management port. */
export function managementRoutes(deps: ManagementDeps): Route[] {
  return [modelsRoute(deps), kserveReadyRoute(deps)]
}

const PROCESSING = 'Processing worker updates...'
const SCALING = 'Workers scaling in progress...'

function modelsRoute(deps: ManagementDeps): Route {
  return ({ request, target }) => {
    const [first, model, version, verb] = target.segments
    if (first !== 'models') return undefined
    if (model === undefined) return collection(request, target.query, deps)
    if (target.segments.length > 4 || (verb !== undefined && verb !== 'set-default')) throw endpointNotFound()
    const named: Named = { model, version, query: target.query, setDefault: verb !== undefined }
    return withHints(() => oneModel(request, named, deps), model, deps)
  }
}

interface Named {
  readonly model: string
  /** Of the path. */
  readonly version: string | undefined
  readonly query: Query
  /** The path ends in `set-default`. */
  readonly setDefault: boolean
}

function collection(request: HttpRequest, query: Query, deps: ManagementDeps): Answer {
  if (request.method === 'GET') return list(query, deps.catalog)
  if (request.method === 'POST' && deps.modelApi) return register(request, query, deps)
  throw methodNotAllowed()
}

type Answer = HttpResponse | Promise<HttpResponse>

function oneModel(request: HttpRequest, named: Named, deps: ManagementDeps): Answer {
  switch (request.method) {
    case 'GET':
      // Describing at the URL of an operation is an accident of the original's.
      if (named.setDefault) throw methodNotAllowed()
      return describe(request, named, deps)
    case 'PUT':
      return named.setDefault ? setDefault(named, deps.catalog) : scale(request, named, deps)
    case 'DELETE':
      if (named.setDefault || !deps.modelApi) throw methodNotAllowed()
      return unregister(named, deps.catalog)
    case 'OPTIONS':
      return describeModelManagement(deps, named.model)
    default:
      throw methodNotAllowed()
  }
}

async function withHints(
  answer: () => Answer,
  model: string,
  { catalog, torchserve }: ManagementDeps,
): Promise<HttpResponse> {
  try {
    return await answer()
  } catch (error) {
    throw torchserve ? error : withWhatExists(error, model, catalog)
  }
}

function list(query: Query, catalog: Catalog): HttpResponse {
  const asked = integerOf(query.get('limit'), 100)
  const limit = asked < 0 || asked > 100 ? 100 : asked
  const offset = Math.max(0, integerOf(query.get('next_page_token'), 0))
  const all = catalog.list()
  const end = offset + limit
  return jsonResponse({
    // Also where the page ends exactly at the end: the token then leads to an empty page.
    nextPageToken: end <= all.length ? String(end) : undefined,
    models: all.slice(offset, end).map(({ modelName, modelUrl }) => ({ modelName, modelUrl })),
  })
}

async function register(request: HttpRequest, query: Query, deps: ManagementDeps): Promise<HttpResponse> {
  const { registration, synchronous, signed } = await readRegistration(request, query)
  if (signed) deps.log.warn(NOT_SIGNED, { id: request.id, url: registration.url })
  refuseTooMany(registration.initialWorkers, deps)
  const { name, version, workers, ready } = await deps.catalog.register(registration)
  const registered = `Model "${name}" Version: ${version} registered with`
  if (workers === 0) {
    await ready
    return statusResponse(
      `${registered} 0 initial workers. Use scale workers API to add workers for the model.`,
    )
  }
  if (!synchronous) return inBackground(ready)
  try {
    await ready
  } catch (error) {
    throw workersFailed(error, { model: name, version, request, deps })
  }
  return statusResponse(`${registered} ${workers} initial workers`)
}

/** 202; how the workers fare is seen in describe and in the log, not here. */
function inBackground(ready: Promise<void>): HttpResponse {
  ready.catch(() => undefined)
  return statusResponse(PROCESSING, 202)
}

interface FailedCall {
  readonly model: string
  readonly version: string | undefined
  readonly request: HttpRequest
  readonly deps: ManagementDeps
}

/** TorchServe's text in front, then what the worker said, and the id under which the log has the rest. */
function workersFailed(error: unknown, { model, version, request, deps }: FailedCall): unknown {
  const text = `Failed to start workers for model ${model} version: ${version ?? 'null'}`
  if (!(error instanceof MarinaError) || error.status < 500) return error
  const whole = error.message.startsWith(text) ? error.message : `${text}. ${error.message}`
  const id = deps.torchserve ? '' : `\nRequest id: ${request.id}`
  return new MarinaError(error.code, whole + id, { cause: error.cause ?? error })
}

async function describe(
  request: HttpRequest,
  { model, version, query }: Named,
  deps: ManagementDeps,
): Promise<HttpResponse> {
  const versions = deps.catalog.describe(model, version).map(describeVersion)
  if (version === 'all' || !booleanOf(query.get('customized'), false)) return jsonResponse(versions)
  return describeCustomized(request, { asked: { model, version }, versions, deps })
}

async function scale(
  request: HttpRequest,
  { model, version: inPath, query }: Named,
  deps: ManagementDeps,
): Promise<HttpResponse> {
  const { catalog, torchserve } = deps
  const version = inPath ?? query.get('model_version')
  const min = integerOf(query.get('min_worker'), 1)
  const max = integerOf(query.get('max_worker'), min)
  // Before the model is looked up, as measured (contract §16).
  if (max < min) throw badRequest('max_worker cannot be less than min_worker.')
  if (min < 0) throw negativeWorkers(torchserve)
  refuseTooMany(max, deps)
  const { ready } = catalog.scale(model, version, { min, max })
  if (!booleanOf(query.get('synchronous'), false)) return inBackground(ready)
  try {
    await ready
  } catch (error) {
    throw workersFailed(error, { model, version, request, deps })
  }
  if (readyWorkers(catalog, model, version) < min) return statusResponse(SCALING, 206)
  const suffix = version === undefined ? '' : `, version: ${version}`
  return statusResponse(`Workers scaled to ${min} for model: ${model}${suffix}`)
}

const NOT_SIGNED =
  's3_sse_kms changes nothing: requests for archives are not signed. Give a pre-signed URL, or put the archive into the model store.'

/** Each is a process, and the original forks until the machine has no memory left. */
function refuseTooMany(workers = 0, { maxWorkers }: ManagementDeps): void {
  if (workers > maxWorkers)
    throw badRequest(
      `A model may have ${maxWorkers} workers at the most, not ${workers} (max_workers_per_model).`,
    )
}

// TorchServe's own tests expect 500 here; elsewhere the client is told that it is the client's mistake.
const negativeWorkers = (torchserve: boolean): MarinaError =>
  new MarinaError(torchserve ? 'worker-failed' : 'bad-request', 'min_worker cannot be negative.')

const readyWorkers = (catalog: Catalog, model: string, version: string | undefined): number =>
  catalog
    .describe(model, version)
    .reduce((sum, { workers }) => sum + workers.filter((worker) => worker.status === 'READY').length, 0)

function setDefault({ model, version = '' }: Named, catalog: Catalog): HttpResponse {
  catalog.setDefault(model, version)
  return statusResponse(`Default version successfully updated for model "${model}" to "${version}"`)
}

async function unregister({ model, version }: Named, catalog: Catalog): Promise<HttpResponse> {
  await catalog.unregister(model, version)
  return statusResponse(`Model "${model}" unregistered`)
}

/** KServe's `GET /v1/models/{m}`: ready as soon as the default version has a worker slot. */
function kserveReadyRoute(deps: ManagementDeps): Route {
  return ({ request, target }: Ask) => {
    const [first, second, model, ...rest] = target.segments
    if (first !== 'v1' || second !== 'models' || !model || rest.length > 0) return undefined
    if (request.method !== 'GET') throw methodNotAllowed()
    const describeDefault = () =>
      jsonResponse({
        name: model,
        ready: deps.catalog.describe(model, undefined).some(({ workers }) => workers.length > 0),
      })
    return withHints(describeDefault, model, deps)
  }
}
