/** The page at `/`, its files, and the JSON that it reads (types: `page-types.ts`). Read-only. */
import { readdir, readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, sep } from 'node:path'
import { MARINA_FOLDER } from '../archive/manifest.js'
import { endpointNotFound, MarinaError, methodNotAllowed } from '../errors.js'
import type { Catalog, VersionDescription } from '../serving/catalog.js'
import type { HeaderList, HttpResponse } from './message.js'
import type { PageModel, PageModels, PageVersion } from './page-types.js'
import { jsonResponse } from './responses.js'
import type { Route } from './routes.js'

/** What the page needs of the server. */
export interface PageDeps {
  readonly catalog: Catalog
  readonly serverVersion: string
  /** Folder of the built page; default: the package's own. */
  readonly folder?: string
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
}

// No inline script and nothing from elsewhere; pictures that the page itself has drawn are data and blob URLs.
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
// An archive's file may be anything, HTML too: it must not run on this origin.
const FOREIGN_POLICY = "default-src 'none'; sandbox"

const securityHeaders = (policy: string): HeaderList => [
  'content-security-policy',
  policy,
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
]

/** `GET /` and everything below `/page`. */
export function pageRoute(deps: PageDeps): Route {
  const files = createFileCache(deps.folder)
  return (ask) => {
    const { segments } = ask.target
    const [first, ...rest] = segments
    if (first !== undefined && first !== 'page') return undefined
    if (first === undefined && ask.request.method === 'OPTIONS') return undefined
    if (ask.request.method !== 'GET' && ask.request.method !== 'HEAD') throw methodNotAllowed()
    if (rest[0] === 'models') return pageData(rest.slice(1), deps)
    if (rest.length > 1) throw endpointNotFound()
    return pageFile(rest[0] ?? 'index.html', files)
  }
}

type FileCache = () => Promise<ReadonlyMap<string, Buffer>>

/** The page's few files, read once, at the first request. */
function createFileCache(folder: string | undefined): FileCache {
  let files: Promise<ReadonlyMap<string, Buffer>> | undefined
  return () => (files ??= readFiles(folder ?? builtFolder()))
}

const builtFolder = (): string => dirname(createRequire(import.meta.url).resolve('#dashboard/index.html'))

async function readFiles(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = (await readdir(folder)).filter((name) => extname(name) in CONTENT_TYPES)
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  )
}

async function pageFile(name: string, files: FileCache): Promise<HttpResponse> {
  const body = (await files()).get(name)
  const contentType = CONTENT_TYPES[extname(name)]
  if (body === undefined || contentType === undefined) throw endpointNotFound()
  return {
    kind: 'whole',
    status: 200,
    headers: ['content-type', contentType, ...securityHeaders(PAGE_POLICY)],
    body,
  }
}

function pageData(path: readonly string[], deps: PageDeps): HttpResponse | Promise<HttpResponse> {
  const [model, version, examples, file] = path
  if (model === undefined) {
    const response = jsonResponse(pageModels(deps))
    return { ...response, headers: [...response.headers, ...securityHeaders(PAGE_POLICY)] }
  }
  if (version === undefined || examples !== 'examples' || file === undefined || path.length > 4)
    throw endpointNotFound()
  return exampleFile(deps.catalog.describe(model, version), file)
}

function pageModels({ catalog, serverVersion }: PageDeps): PageModels {
  const models = catalog.list().map(({ modelName, defaultVersion }): PageModel => ({
    name: modelName,
    defaultVersion,
    versions: catalog.describe(modelName, 'all').map(pageVersion),
  }))
  return { server: serverVersion, models }
}

function pageVersion(version: VersionDescription): PageVersion {
  const { modelName, modelVersion, schema, workers } = version
  const path = `${encodeURIComponent(modelName)}/${encodeURIComponent(modelVersion)}`
  const ready = workers.filter((worker) => worker.status === 'READY').length
  const failure = ready > 0 ? undefined : workers.find((worker) => worker.lastFailure)?.lastFailure?.message
  return {
    version: modelVersion,
    ready: ready > 0,
    runtime: version.runtime,
    workers: { ready, wanted: version.minWorkers },
    ...(failure === undefined ? {} : { failure }),
    predictUrl: `/predictions/${path}`,
    ...(schema?.operations.includes('explain') ? { explainUrl: `/explanations/${path}` } : {}),
    ...(schema === undefined ? {} : { schema }),
    examples: (version.examples?.requests ?? []).map(({ name, file, contentType }) => ({
      name,
      contentType,
      url: `/page/models/${path}/examples/${encodeURIComponent(file)}`,
    })),
  }
}

/** Bytes of an example that the archive lists; nothing else in its folder can be read, links out of it neither. */
async function exampleFile(versions: readonly VersionDescription[], file: string): Promise<HttpResponse> {
  const [version] = versions
  const example = version?.examples?.requests.find((request) => request.file === file)
  if (version === undefined || example === undefined) throw endpointNotFound()
  const folder = await realpath(join(version.modelDir, MARINA_FOLDER, 'examples')).catch(notThere)
  const path = await realpath(join(folder, file)).catch(notThere)
  if (!path.startsWith(folder + sep)) throw endpointNotFound()
  const headers = ['content-type', example.contentType, ...securityHeaders(FOREIGN_POLICY)]
  return { kind: 'whole', status: 200, headers, body: await readFile(path) }
}

const notThere = (cause: unknown): never => {
  throw new MarinaError('endpoint-not-found', endpointNotFound().message, { cause })
}
