/** What serving reports, in the words of the exporter. */
import type { Logger } from '../log.js'
import type { Metrics, PhaseSeconds, VersionGauges } from '../metrics/metrics.js'
import type { HandlerTiming } from '../protocol/messages.js'
import type { Catalog } from './catalog.js'
import type { Outcome, Timing } from './job.js'
import type { ServingMetrics } from './metrics.js'

/** Joins the two; a handler's metric that cannot be taken is logged, once for each name. */
export function exportedMetrics(metrics: Metrics, log: Logger): ServingMetrics {
  const complained = new Set<string>()
  return {
    received: ({ model, requestedVersion }) => metrics.countReceived(model, requestedVersion),
    refused: ({ model, version }, reason) => metrics.countRefused(model, { version, reason }),
    modelDefinitions: metrics.modelDefinitions,
    observe({ model, version, request, timing }, outcome) {
      if (outcome.kind === 'cancelled') metrics.countHangUp(outcome.place)
      metrics.settled({
        model,
        version,
        requestedVersion: request.version,
        id: request.id,
        outcome: outcome.kind,
        answered: isHandlersOwn(outcome),
        phases: phasesOf(timing),
        replays: timing.replays,
      })
    },
    workerReady: ({ loadMs, ...worker }) => metrics.workerLoaded(threadOf(worker), Math.round(loadMs)),
    slotEnded: (worker) => metrics.workerEnded(threadOf(worker)),
    workerDied: ({ model, version }) => metrics.countDeath(model, version),
    scaled: ({ model, version }, direction) => metrics.countScaling(model, version, direction),
    recycled: ({ model, version }, cause) => metrics.countRecycling(model, version, cause),
    fromHandler(source, metric) {
      const refusal = metrics.addFromHandler(metric)
      if (refusal === undefined || complained.has(metric.name)) return
      complained.add(metric.name)
      log.warn(`The metric ${metric.name} of ${source.model} is dropped: ${refusal}.`)
    },
  }
}

/** TorchServe's name for the thread of a worker. */
const threadOf = ({ model, version, slot }: { model: string; version: string; slot: number }): string =>
  `W-${slot}-${model}_${version}`

/** The handler answered, whatever the status that it chose; not an error of the server's making (contract metrics §6). */
const isHandlersOwn = (outcome: Outcome): boolean =>
  outcome.kind === 'ok' ||
  outcome.kind === 'streamed' ||
  (outcome.kind === 'failed' && outcome.reason === 'rejected')

function phasesOf({ receivedMs, acceptedMs, startedMs, settledMs, handler }: Timing): PhaseSeconds {
  return {
    decode: (acceptedMs - receivedMs) / 1000,
    queue: startedMs > 0 ? (startedMs - acceptedMs) / 1000 : undefined,
    preprocess: handler && handler.preprocessUs / 1e6,
    inference: handler && handler.inferenceUs / 1e6,
    postprocess: handler && handler.postprocessUs / 1e6,
    transfer: handler && (settledMs - startedMs) / 1000 - handlerSeconds(handler),
    total: (settledMs - receivedMs) / 1000,
  }
}

const handlerSeconds = ({ preprocessUs, inferenceUs, postprocessUs }: HandlerTiming): number =>
  (preprocessUs + inferenceUs + postprocessUs) / 1e6

const versionsOf = (catalog: Catalog) =>
  catalog.list().flatMap(({ modelName }) => catalog.describe(modelName, 'all'))

/** What a scrape reads of all versions. */
export const gaugesOf = (catalog: Catalog): VersionGauges[] =>
  versionsOf(catalog).map(({ modelName, modelVersion, queue, workers }) => ({
    model: modelName,
    version: modelVersion,
    waiting: queue.pending,
    workers,
  }))

/** The workers' processes. */
export const pidsOf = (catalog: Catalog): number[] =>
  versionsOf(catalog)
    .flatMap(({ workers }) => workers)
    .flatMap(({ pid }) => (pid > 0 ? [pid] : []))
