/**
 * Probes that tell the truth, beside TorchServe's `/ping`: `/live`, `/startup`, `/ready` and `/ready/MODEL[/VERSION]`.
 * They need no key, since a kubelet has none. GET and HEAD only; 200 or 503, with a body that says why.
 */
import { methodNotAllowed } from '../errors.js'
import type { Catalog, VersionDescription } from '../serving/catalog.js'
import type { Declared } from '../serving/declared.js'
import { hasStarted, readinessOf, type ReadinessOptions } from '../serving/readiness.js'
import type { HttpResponse } from './message.js'
import { jsonResponse } from './responses.js'
import type { Route } from './routes.js'

/** What of the server's life the probes look at. */
export interface ServerLife {
  readonly declared: readonly Declared[]
  /** True from the moment when a stop begins. */
  isStopping(): boolean
}

/** What the probes look at. */
export interface ProbeDeps {
  readonly catalog: Catalog
  readonly life: ServerLife
  /** Tell the words of failures. */
  readonly verboseErrors: boolean
}

/** One model in the body of a probe. */
interface Shown {
  readonly modelName: string
  readonly modelVersion?: string
  readonly ready: boolean
  readonly reason?: string
}

/** The path belongs to a probe. TorchServe has no such paths, and `…/predict` is a prediction in its oldest form. */
export function isProbe(segments: readonly string[]): boolean {
  const [first, ...rest] = segments
  if (first === 'live' || first === 'startup') return rest.length === 0
  return first === 'ready' && rest.length <= 2 && (rest.length === 0 || segments.at(-1) !== 'predict')
}

/** Makes the route of all probes. */
export function probeRoute(deps: ProbeDeps): Route {
  const startup = startupProbe(deps)
  return ({ request, target }) => {
    if (!isProbe(target.segments)) return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
    const [probe, model, version] = target.segments
    if (probe === 'live') return live(deps.life)
    if (probe === 'startup') return startup()
    return model ? modelReady(deps, { model, version }) : ready(deps)
  }
}

/** That there is an answer shows that the event loop turns. */
const live = (life: ServerLife): HttpResponse =>
  life.isStopping() ? jsonResponse({ status: 'Stopping' }, 503) : jsonResponse({ status: 'Live' })

/** Once true it stays so, whatever becomes of the models. */
function startupProbe(deps: ProbeDeps): () => HttpResponse {
  const { catalog, life, verboseErrors: verbose } = deps
  let ended = false
  return () => {
    const options = { verbose }
    const versions = life.declared.flatMap((one) =>
      one.kind === 'registered' ? versionsOf(catalog, one.model, one.version) : [],
    )
    ended ||= versions.every(hasStarted)
    const models = [...versions.map((version) => shown(version, options)), ...leftOut(deps)]
    return jsonResponse({ status: ended ? 'Started' : 'Starting', models }, ended ? 200 : 503)
  }
}

/**
 * Every model of the start can answer under its name. One that wants no workers is not waited for, nor one that was
 * registered later: it must not take a server that works out of its load balancer.
 */
function ready(deps: ProbeDeps): HttpResponse {
  const { catalog, life, verboseErrors: verbose } = deps
  if (life.isStopping()) return jsonResponse({ status: 'Not ready', reason: STOPPING }, 503)
  const options = { verbose }
  const names = new Set(life.declared.flatMap((one) => (one.kind === 'registered' ? [one.model] : [])))
  const versions = [...names].flatMap((name) => versionsOf(catalog, name, undefined))
  const awaited = versions.filter(({ minWorkers }) => minWorkers > 0)
  const models = [...awaited.map((version) => shown(version, options)), ...leftOut(deps)]
  const isReady = models.every((model) => model.ready)
  return jsonResponse({ status: isReady ? 'Ready' : 'Not ready', models }, isReady ? 200 : 503)
}

const STOPPING = 'the server is stopping'

/** @throws MarinaError `model-not-found`, `version-not-found` */
function modelReady(
  deps: ProbeDeps,
  { model, version }: { model: string; version: string | undefined },
): HttpResponse {
  const options = { verbose: deps.verboseErrors }
  const missing = leftOut(deps).find(({ modelName }) => modelName === model)
  const found = missing ? [missing] : deps.catalog.describe(model, version).map((one) => shown(one, options))
  // Of `all` the first that is not ready.
  const telling = found.find((one) => !one.ready) ?? found[0]
  const answer = deps.life.isStopping() ? { ...telling, ready: false, reason: STOPPING } : telling
  return jsonResponse(answer, answer?.ready === true ? 200 : 503)
}

/** The version (default: the default one), or nothing where it has been unregistered since. */
function versionsOf(
  catalog: Catalog,
  model: string,
  version: string | undefined,
): readonly VersionDescription[] {
  const entry = catalog.list().find(({ modelName }) => modelName === model)
  if (!entry || (version !== undefined && !entry.versions.includes(version))) return []
  return catalog.describe(model, version)
}

/** Models of the start that could not be registered, and have not been since. */
function leftOut({ catalog, life, verboseErrors }: ProbeDeps): Shown[] {
  const known = new Set(catalog.list().map(({ modelName }) => modelName))
  return life.declared.flatMap((one) => {
    if (one.kind !== 'left-out' || known.has(one.model)) return []
    const why = verboseErrors ? `: ${one.why}` : '; the log says why'
    return [{ modelName: one.model, ready: false, reason: `it could not be registered at the start${why}` }]
  })
}

function shown(version: VersionDescription, options: ReadinessOptions): Shown {
  const readiness = readinessOf(version, options)
  const { modelName, modelVersion } = version
  if (readiness.kind === 'ready') return { modelName, modelVersion, ready: true }
  return { modelName, modelVersion, ready: false, reason: readiness.why }
}
