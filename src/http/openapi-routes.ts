/**
 * The API's own description: the original's OpenAPI 3.0.1 documents at `OPTIONS /`, `/api-description` and `OPTIONS` of a
 * model (contract rest-api §13), and at `/openapi.json` a 3.1 document of the models that are there, with their schemas.
 */
import { methodNotAllowed } from '../errors.js'
import type { Catalog } from '../serving/catalog.js'
import type { HttpResponse } from './message.js'
import { modelsDocument } from './openapi-models.js'
import {
  documentPaths,
  inferencePaths,
  managementPaths,
  metricsPaths,
  modelPaths,
  pathsOfModel,
  type PathsDocument,
} from './openapi-operations.js'
import { jsonResponse } from './responses.js'
import type { PortRole, Route } from './routes.js'

/** What the documents are made of. */
export interface OpenApiDeps {
  readonly catalog: Catalog
  readonly serverVersion: string
  /** What the port serves. */
  readonly roles: readonly PortRole[]
}

/** `OPTIONS /`, `/api-description` and `/openapi.json`; needs no token. */
export function openApiRoute(deps: OpenApiDeps): Route {
  const document = openApi('TorchServe APIs', deps.serverVersion, pathsOf(deps.roles))
  return ({ request, target }) => {
    const [first, second] = target.segments
    if (second !== undefined) return undefined
    if (first === undefined) return request.method === 'OPTIONS' ? jsonResponse(document) : undefined
    if (first === 'api-description') return jsonResponse(document)
    if (first !== 'openapi.json') return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
    return jsonResponse(modelsDocument(deps.catalog, deps.serverVersion))
  }
}

/** `OPTIONS` on the URL under which a model is asked. @throws MarinaError `model-not-found` */
export function describeModelApi(catalog: Catalog, model: string): HttpResponse {
  catalog.describe(model, undefined)
  return jsonResponse(openApi(`RESTful API for: ${model}`, '1.0.0', pathsOfModel(model)))
}

/** `OPTIONS` on the URL under which a model is managed. @throws MarinaError `model-not-found` */
export function describeModelManagement(
  { catalog, serverVersion }: Pick<OpenApiDeps, 'catalog' | 'serverVersion'>,
  model: string,
): HttpResponse {
  catalog.describe(model, undefined)
  return jsonResponse(openApi(`RESTful Management API for: ${model}`, serverVersion, modelPaths))
}

function pathsOf(roles: readonly PortRole[]): PathsDocument {
  const answersModels = roles.includes('inference') || roles.includes('management')
  return {
    ...(answersModels ? documentPaths.root : {}),
    ...(roles.includes('inference') ? inferencePaths : {}),
    // On a shared port the management paths follow the inference port's whole list, but for the metrics.
    ...(roles.includes('inference') ? documentPaths.old : {}),
    ...(roles.includes('management') ? managementPaths : {}),
    ...(answersModels ? documentPaths.old : {}),
    ...metricsPaths,
  }
}

const openApi = (title: string, version: string, paths: PathsDocument) => ({
  openapi: '3.0.1',
  info: { title, description: 'Models behind one HTTP API.', version },
  paths,
})
