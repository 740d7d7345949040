/** Puts a server's metrics together: what is defined, where it goes, and the measurements of the host. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../clock.js'
import { messageOf, misuse } from '../errors.js'
import type { Logger } from '../log.js'
import type { VersionGauges } from './counts.js'
import { builtInDefinitions, type MetricDefinition, type MetricDefinitions } from './definitions.js'
import type { MetricsMode } from './frontend-metrics.js'
import { notPrometheus } from './handler-metrics.js'
import { createHostMeter, type HostValue } from './host.js'
import type { HostCommandOptions } from './host-command.js'
import { watchHost } from './host-watch.js'
import { createMetrics, type Metrics } from './metrics.js'

/** What of the Config concerns metrics. */
export interface MetricsSettings {
  readonly profile: 'marina' | 'torchserve'
  readonly metricsMode: MetricsMode
  /** Path of the metrics file; undefined: the built-in definitions. */
  readonly metricsConfig: string | undefined
  readonly detectModelMetrics: boolean
  readonly extendedMetrics: boolean
  readonly systemMetrics: boolean
  readonly systemMetricsCommand: readonly string[]
  readonly systemMetricsEveryMs: number
}

/** What metrics need of their server. */
export interface MetricsDeps {
  readonly log: Logger
  readonly clock: Clock
  /** Reads the state of all versions when somebody scrapes. */
  readonly gauges: () => readonly VersionGauges[]
  readonly hasGpus: boolean
  /** Runs the operator's command that measures the host. */
  readonly runCommand: (
    args: readonly string[],
    options: Pick<HostCommandOptions, 'signal' | 'complain'>,
  ) => Promise<readonly HostValue[]>
}

/** A server's metrics. */
export interface OpenMetrics {
  readonly metrics: Metrics
  /** Begins to measure the host, if it is to be measured; the function that is returned ends it. */
  readonly watch: () => () => void
}

/** What TorchServe runs if nothing is said; the built-in meter measures the same. */
const ORIGINAL_METER = 'ts/metrics/metric_collector.py'

/**
 * Makes the metrics. Under `torchserve` a file that cannot be used costs its metrics, and is logged.
 * @throws MarinaError `misuse` under `marina serve`, with the first thing that is wrong with the file
 */
export async function openMetrics(settings: MetricsSettings, deps: MetricsDeps): Promise<OpenMetrics> {
  const { log, clock, gauges } = deps
  const lineTo = (logger: string) => {
    const lines = log.child({ logger })
    return (message: string) => lines.info(message)
  }
  const metrics = createMetrics({
    mode: settings.metricsMode,
    definitions: await definitionsOf(settings, log),
    detect: settings.detectModelMetrics,
    own: settings.extendedMetrics,
    gauges,
    writeFrontend: lineTo('TS_METRICS'),
    writeModel: lineTo('MODEL_METRICS'),
    complain: (message) => log.error(message),
  })
  return {
    metrics,
    watch() {
      const { systemMetrics, systemMetricsCommand: command, systemMetricsEveryMs: everyMs } = settings
      if (!systemMetrics) return () => undefined
      const complain = (text: string) => log.error(`The command that measures the host says: ${text}`)
      const measure =
        command.length > 0 && command[0] !== ORIGINAL_METER
          ? (signal: AbortSignal) => deps.runCommand(command, { signal, complain })
          : createHostMeter({ hasGpus: deps.hasGpus })
      return watchHost({ measure, everyMs, metrics, clock, log })
    },
  }
}

async function definitionsOf(
  { profile, metricsMode, metricsConfig: path }: MetricsSettings,
  log: Logger,
): Promise<MetricDefinitions> {
  if (path === undefined) return builtInDefinitions
  const { definitions, problems } = await readFileOf(path)
  const checked = metricsMode === 'prometheus' ? forPrometheus(definitions) : { definitions, problems: [] }
  const all = [...problems, ...checked.problems.map((problem) => `${path}: ${problem}`)]
  if (profile === 'marina' && all[0] !== undefined) throw misuse(`The metrics file cannot be used. ${all[0]}`)
  for (const problem of all) log.error(`Failed to load metrics configuration: ${problem}`)
  return checked.definitions
}

async function readFileOf(path: string) {
  try {
    const text = await readFile(path, 'utf8')
    // The parser is loaded only where somebody has such a file.
    const { readDefinitions } = await import('./read-definitions.js')
    return readDefinitions(text, path)
  } catch (error) {
    return { definitions: { frontend: [], model: [] }, problems: [messageOf(error)] }
  }
}

/** Leaves out what a scrape could not show, and of two metrics with one name the handlers'. */
function forPrometheus({ frontend, model }: MetricDefinitions): {
  definitions: MetricDefinitions
  problems: string[]
} {
  const problems: string[] = []
  const names = new Set<string>()
  const fits = ({ name, dimensions }: MetricDefinition) => {
    const why = names.has(name) ? 'there is another of this name' : notPrometheus(name, dimensions)
    names.add(name)
    if (why !== undefined) problems.push(`the metric ${JSON.stringify(name)} is left out: ${why}.`)
    return why === undefined
  }
  return { definitions: { frontend: frontend.filter(fits), model: model.filter(fits) }, problems }
}
