/** Metrics of the server and its host: for each name of the metrics file, where its values go in the mode that was chosen. */
import { hostname } from 'node:os'
import type { MetricDefinition } from './definitions.js'
import { KeptFamily, type Family, type Update } from './family.js'
import { metricLines, type WriteLine } from './metric-text.js'

/** Where metrics go (contract metrics §4): lines of logs, what a scrape reads, or as releases until 0.6 had it. */
export type MetricsMode = 'log' | 'prometheus' | 'legacy'

/** What frontend metrics are made from. */
export interface FrontendOptions {
  readonly mode: MetricsMode
  readonly definitions: readonly MetricDefinition[]
  readonly writeLine: WriteLine
  /** Told once of each metric whose file gives it other dimensions than it has values. */
  readonly complain: (message: string) => void
}

/** Gives how a metric is updated under label values, the host's left out; a metric that nobody defined goes nowhere. */
export type Frontend = (name: string, ...values: readonly string[]) => Update

/** Metrics that a scrape shows in legacy mode, as counters. */
const LEGACY: ReadonlySet<string> = new Set([
  'ts_inference_requests_total',
  'ts_inference_latency_microseconds',
  'ts_queue_latency_microseconds',
])

/** Removes the series under label values from scrapes; an update that was made for them before is not to be called again. */
export type Forget = (name: string, ...values: readonly string[]) => void

const nowhere: Update = () => undefined

/** Makes the updates, and the families that a scrape reads. */
export function createFrontend(options: FrontendOptions): {
  readonly frontend: Frontend
  readonly forget: Forget
  readonly families: readonly Family[]
} {
  const { mode, definitions, writeLine, complain } = options
  const host = hostname()
  const isScraped = (name: string) => mode === 'prometheus' || (mode === 'legacy' && LEGACY.has(name))
  const table = new Map(definitions.map((definition) => [definition.name, definition]))
  const kept = new Map<string, KeptFamily>()
  for (const definition of table.values()) {
    const type = mode === 'legacy' ? 'counter' : definition.type
    if (isScraped(definition.name)) kept.set(definition.name, new KeptFamily({ ...definition, type }))
  }
  const unfit = new Set<string>()
  const frontend: Frontend = (name, ...own) => {
    const definition = table.get(name)
    if (!definition) return nowhere
    const values = [...own, host]
    const family = kept.get(name)
    if (!family) {
      const lines = metricLines(definition, values)
      return (value) => writeLine(lines.frontend(value))
    }
    if (definition.dimensions.length === values.length) return family.with(values)
    if (!unfit.has(name)) complain(misfit(definition, values.length))
    unfit.add(name)
    return nowhere
  }
  const forget: Forget = (name, ...own) => kept.get(name)?.delete([...own, host])
  return { frontend, forget, families: [...kept.values()] }
}

const misfit = ({ name, dimensions }: MetricDefinition, values: number): string =>
  `The metric ${name} is dropped: it has ${values} values, and the metrics file gives it ${dimensions.length} ` +
  `dimensions (${dimensions.join(', ')}). The last one is the host.`
