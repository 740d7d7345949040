/** The inference port: predictions under all their URLs, and the health of the server (contract rest-api §4, §10). */
import { badRequest, endpointNotFound, methodNotAllowed } from '../errors.js'
import type { Catalog } from '../serving/catalog.js'
import { readInputs, type Call } from './decode.js'
import type { HttpResponse } from './message.js'
import { describeModelApi } from './openapi-routes.js'
import { healthRoute } from './health.js'
import { predict, type PredictionDeps } from './predictions.js'
import type { Ask, Route } from './routes.js'

/** Makes the routes of the inference port. */
export function inferenceRoutes(deps: PredictionDeps): Route[] {
  return [predictionRoute(deps), healthRoute(deps.catalog), legacyRoute(deps)]
}

/** `/predictions`, `/explanations`, `/invocations`, `/models/{m}/invoke` and KServe's routes. */
function predictionRoute(deps: PredictionDeps): Route {
  return (ask) => {
    const call = callOf(ask)
    if (call === undefined) return undefined
    // OPTIONS never reaches a worker: it asks for the API description.
    if (ask.request.method === 'OPTIONS') {
      if (call === 'invocations') throw endpointNotFound()
      return describeModelApi(deps.catalog, call.model)
    }
    return call === 'invocations' ? invoke(ask, deps) : predict(ask.request, ask.stream, { call, deps })
  }
}

function callOf({ target }: Ask): Call | 'invocations' | undefined {
  const [first, second, third, ...rest] = target.segments
  switch (first) {
    case 'predictions':
    case 'explanations':
      if (!second) throw endpointNotFound()
      return versionedCall(first === 'explanations', { model: second, version: third, rest })
    case 'invocations':
      return second === undefined ? 'invocations' : undefined
    case 'models':
      return second && third === 'invoke' && rest.length === 0
        ? { model: second, version: undefined, operation: 'predict', extraHeaders: {}, inputs: target.inputs }
        : undefined
    case 'v1':
      return second === 'models' && rest.length === 0 ? kserveV1Call(third) : undefined
    case 'v2':
      return second === 'models' && rest.length === 1 ? kserveV2Call(third, rest[0]) : undefined
    case undefined:
    default:
      return undefined
  }
}

function versionedCall(
  explain: boolean,
  { model, version, rest }: { model: string; version: string | undefined; rest: readonly string[] },
): Call {
  const extraHeaders = { url_path: rest.join('/'), ...explainHeader(explain) }
  return { model, version, operation: explain ? 'explain' : 'predict', extraHeaders, inputs: undefined }
}

const explainHeader = (explain: boolean) => ({ explain: explain ? 'True' : 'False' })

function kserveV1Call(segment: string | undefined): Call | undefined {
  const match = /^(.+):(predict|explain)$/.exec(segment ?? '')
  return match?.[1] === undefined ? undefined : kserveCall(match[1], match[2] === 'explain')
}

function kserveV2Call(segment: string | undefined, verb: string | undefined): Call | undefined {
  const model = segment?.split(':', 1)[0]
  if (!model || (verb !== 'infer' && verb !== 'explain')) return undefined
  return kserveCall(model, verb === 'explain')
}

const kserveCall = (model: string, explain: boolean): Call => ({
  model,
  version: undefined,
  operation: explain ? 'explain' : 'predict',
  extraHeaders: explainHeader(explain),
  inputs: undefined,
})

/** `/invocations`: the model stands in the query, in a form field, or is the only one of the start. */
async function invoke({ request, stream, target }: Ask, deps: PredictionDeps): Promise<HttpResponse> {
  const inputs = await readInputs(request, target.inputs)
  const model = target.query.get('model_name') ?? onlyStartupModel(deps.catalog) ?? fieldOf(inputs.parts)
  if (!model) throw badRequest('Parameter model_name is required.')
  const call: Call = {
    model,
    version: undefined,
    operation: 'predict',
    extraHeaders: {},
    inputs: target.inputs,
  }
  return predict(request, stream, { call, deps, inputs })
}

function onlyStartupModel(catalog: Catalog): string | undefined {
  const names = catalog
    .list()
    .map((entry) => entry.modelName)
    .filter((name) => catalog.describe(name, 'all').some((version) => version.loadedAtStartup))
  return names.length === 1 ? names[0] : undefined
}

function fieldOf(parts: Awaited<ReturnType<typeof readInputs>>['parts']): string | undefined {
  const part = parts.find((candidate) => candidate.name === 'model_name')
  return part?.body.kind === 'inline' ? Buffer.from(part.body.data).toString('utf8') : undefined
}

// First segments that no model of the legacy routes may shadow.
const RESERVED = new Set(
  'api-description explanations invocations metrics models page ping predictions token v1 v2 wfpredict workflows'.split(
    ' ',
  ),
)

/** `/{m}/predict` and `/{m}/{v}/predict`. */
function legacyRoute(deps: PredictionDeps): Route {
  return ({ request, stream, target }) => {
    const { segments, inputs } = target
    const [model, version] = segments
    if (!model || segments.length < 2 || segments.length > 3 || segments.at(-1) !== 'predict')
      return undefined
    if (RESERVED.has(model)) return undefined
    if (request.method === 'OPTIONS') throw endpointNotFound()
    const call: Call = {
      model,
      version: segments.length === 3 ? version : undefined,
      operation: 'predict',
      extraHeaders: {},
      inputs,
    }
    return predict(request, stream, { call, deps })
  }
}

/** `/` on a port without the page, after the API description: no other method is allowed. */
export const rootRoute: Route = ({ target }) => {
  if (target.segments.length > 0) return undefined
  throw methodNotAllowed()
}
