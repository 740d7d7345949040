/**
 * What the server counts, and where it goes: to lines of logs, or to the text of a scrape. The request path adds to plain
 * numbers, or writes lines to a buffer; names and labels of TorchServe's metrics: contract metrics §5, §6.
 */
import { addValue } from './buckets.js'
import {
  ByVersion,
  createCounts,
  PHASES,
  type Counts,
  type PhaseSeconds,
  type SettledRequest,
  type VersionGauges,
} from './counts.js'
import { builtInDefinitions, type MetricDefinition, type MetricDefinitions } from './definitions.js'
import { ownFamilies } from './families.js'
import type { Family, Update } from './family.js'
import { createFrontend, type Frontend, type MetricsMode } from './frontend-metrics.js'
import { createHandlerMetrics, type AddHandlerMetric, type HandlerMetrics } from './handler-metrics.js'
import type { WriteLine } from './metric-text.js'
import { expositionText } from './text.js'

export type { PhaseSeconds, SettledRequest, VersionGauges } from './counts.js'
export type { MetricsMode } from './frontend-metrics.js'
export { CONTENT_TYPE } from './text.js'

/** What the server counts with. All calls are cheap but `text`. */
export interface Metrics {
  /** Counts an HTTP head that is being sent. */
  countStatus(status: number): void
  /** Counts a request for a model that exists, whether or not it is then refused. */
  countReceived(model: string, requestedVersion: string | undefined): void
  /** Counts a request that its version did not take; `reason` is a label. */
  countRefused(model: string, refused: { readonly version: string; readonly reason: string }): void
  /** Counts a caller who hung up before the answer; `place` says where the request was: still coming, waiting, at work. */
  countHangUp(place: string): void
  settled(request: SettledRequest): void
  /** A worker, by TorchServe's name for its thread, is ready, so long after its process was started. */
  workerLoaded(worker: string, ms: number): void
  /** A worker's slot has ended for good: a scrape shows its load time no more. */
  workerEnded(worker: string): void
  /** Counts a worker process that ended unasked. */
  countDeath(model: string, version: string): void
  /** Counts a worker that the load added or made superfluous. */
  countScaling(model: string, version: string, direction: 'up' | 'down'): void
  /** Counts a worker that was replaced because it had served long enough. */
  countRecycling(model: string, version: string, cause: 'jobs' | 'memory'): void
  readonly addFromHandler: AddHandlerMetric
  /** A value of the host under one of the names that the metrics file defines for the server; others are left alone. */
  addOfHost(name: string, value: number, labels: readonly string[]): void
  /** What the file defines for handlers: workers check their metrics against it. */
  readonly modelDefinitions: readonly MetricDefinition[]
  /** The text of a scrape: of all metrics, or of the samples with these names only. */
  text(names: ReadonlySet<string>): string
}

/** How metrics are made; what is absent is as under `marina serve`. */
export interface MetricsOptions {
  readonly mode?: MetricsMode
  readonly definitions?: MetricDefinitions
  /** Handlers' metrics that the definitions do not have are taken too. */
  readonly detect?: boolean
  /** A scrape shows families beside TorchServe's. */
  readonly own?: boolean
  /** Reads the state of all versions when somebody scrapes. */
  readonly gauges?: () => readonly VersionGauges[]
  /** The two logs of metrics. */
  readonly writeFrontend?: WriteLine
  readonly writeModel?: WriteLine
  readonly complain?: (message: string) => void
}

// TorchServe's label for requests that name no version.
const NO_VERSION = 'default'
const drop = () => undefined

/** Makes the server's metrics. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { mode = 'prometheus', definitions = builtInDefinitions, detect = true, own = true } = options
  const { writeFrontend = drop, writeModel = drop, complain = drop, gauges = () => [] } = options
  const counts = createCounts()
  const { frontend, forget, families } = createFrontend({
    mode,
    definitions: definitions.frontend,
    writeLine: writeFrontend,
    complain,
  })
  const ours = own && mode === 'prometheus' ? ownFamilies(counts, gauges) : []
  const taken = new Set([...families, ...ours].map(({ name }) => name))
  const handlers = createHandlerMetrics({
    mode,
    definitions: definitions.model,
    detect,
    writeLine: writeModel,
    isTaken: (name) => taken.has(name),
  })
  const all = (): Family[] => [...families, ...handlers.families(), ...ours]
  return {
    ...requestMetrics(frontend, counts, handlers),
    workerLoaded: (worker, ms) => frontend('WorkerLoadTime', worker, 'Host')(ms),
    workerEnded: (worker) => forget('WorkerLoadTime', worker, 'Host'),
    ...workerCounts(counts),
    addFromHandler: handlers.add,
    addOfHost: (name, value, labels) => frontend(name, ...labels)(value),
    modelDefinitions: definitions.model,
    text: (names) => expositionText(all(), names),
  }
}

function workerCounts({
  versions,
  hangUps,
}: Counts): Pick<Metrics, 'countRefused' | 'countHangUp' | 'countDeath' | 'countScaling' | 'countRecycling'> {
  return {
    countRefused(model, { version, reason }) {
      addOne(versions.of(model, version).refusals, reason)
    },
    countHangUp: (place) => addOne(hangUps, place),
    countDeath(model, version) {
      versions.of(model, version).deaths++
    },
    countScaling(model, version, direction) {
      versions.of(model, version).scalings[direction]++
    },
    countRecycling(model, version, cause) {
      versions.of(model, version).recyclings[cause]++
    },
  }
}

function addOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Updates of one model under the labels that TorchServe uses: the version as requested. */
interface Requested {
  readonly requests: Update
  readonly latency: Update
  readonly queue: Update
}

function requestMetrics(
  frontend: Frontend,
  counts: Counts,
  handlers: HandlerMetrics,
): Pick<Metrics, 'countStatus' | 'countReceived' | 'settled'> {
  const ok = frontend('Requests2XX', 'Host')
  const client = frontend('Requests4XX', 'Host')
  const server = frontend('Requests5XX', 'Host')
  const queueTime = frontend('QueueTime', 'Host')
  const threadTime = frontend('WorkerThreadTime', 'Host')
  // What TorchServe's worker prints after each batch; here the times come with each answer, so nothing is sent for it.
  const prediction = new ByVersion((model) =>
    handlers.prepare({
      name: 'PredictionTime',
      type: 'gauge',
      unit: 'ms',
      labels: { ModelName: model, Level: 'Model' },
    }),
  )
  const requested = new ByVersion<Requested>((model, version) => ({
    requests: frontend('ts_inference_requests_total', model, version),
    latency: frontend('ts_inference_latency_microseconds', model, version),
    queue: frontend('ts_queue_latency_microseconds', model, version),
  }))
  return {
    countStatus(status) {
      if (status >= 200 && status < 300) ok(1)
      else if (status >= 400 && status < 500) client(1)
      else server(1)
    },
    countReceived(model, requestedVersion = NO_VERSION) {
      requested.of(model, requestedVersion).requests(1)
    },
    settled(request) {
      addSettled(counts, request)
      if (!request.answered) return
      const { model, requestedVersion = NO_VERSION, phases } = request
      const asked = requested.of(model, requestedVersion)
      asked.latency(phases.total * 1e6)
      asked.queue((phases.queue ?? 0) * 1e6)
      queueTime(wholeMs(phases.queue))
      threadTime(wholeMs(phases.transfer))
      if (request.outcome !== 'failed') prediction.of(model, request.version)(handlerMs(phases), request.id)
    },
  }
}

const wholeMs = (seconds = 0): number => Math.max(0, Math.trunc(seconds * 1000))

const handlerMs = ({ preprocess = 0, inference = 0, postprocess = 0 }: PhaseSeconds): number =>
  Math.round((preprocess + inference + postprocess) * 1e5) / 100

function addSettled(
  counts: Counts,
  { model, version, outcome, answered, phases, replays }: SettledRequest,
): void {
  const of = counts.versions.of(model, version)
  addOne(of.outcomes, outcome)
  of.replays += replays
  if (!answered) return
  for (const phase of PHASES) {
    const seconds = phases[phase]
    // Two clocks may make it negative.
    if (seconds !== undefined) addValue(of.phases[phase], Math.max(0, seconds))
  }
}
