/** Metrics of handlers: those that the metrics file defines, and where that is allowed, others when they are first seen. */
import { hostname } from 'node:os'
import { HOST_DIMENSION, type MetricDefinition, type MetricType } from './definitions.js'
import { KeptFamily, type Family } from './family.js'
import type { MetricsMode } from './frontend-metrics.js'
import { metricLines, type WriteLine } from './metric-text.js'

/** One value from a handler. */
export interface HandlerMetric {
  readonly name: string
  /** Absent where a printed line says none: such a metric must be defined by the file. */
  readonly type?: MetricType
  readonly value: number
  readonly unit: string
  /** In the order in which the handler gave them, which is what counts. */
  readonly labels: Readonly<Record<string, string>>
  /** The requests that it belongs to, with commas between them. */
  readonly id?: string
  /** The host that a printed line names; absent: this one. */
  readonly host?: string
}

/** Takes one value; returns why it could not be taken, or undefined. */
export type AddHandlerMetric = (metric: HandlerMetric) => string | undefined

/** What handlers' metrics are made from. */
export interface HandlerMetricsOptions {
  readonly mode: MetricsMode
  readonly definitions: readonly MetricDefinition[]
  /** Metrics that the file does not define are taken too. */
  readonly detect: boolean
  readonly writeLine: WriteLine
  /** True for a name that the server itself has. */
  readonly isTaken: (name: string) => boolean
}

// A handler that makes a name or a label value of each request must not fill the memory.
const MOST_FAMILIES = 200
const MOST_SERIES = 10_000

interface Known {
  readonly definition: MetricDefinition
  /** Undefined: its values are lines of a log. */
  readonly family: KeptFamily | undefined
}

/** Takes handlers' values. */
export interface HandlerMetrics {
  readonly add: AddHandlerMetric
  /** As `add`, prepared once for values that come with each request. */
  prepare(metric: Omit<HandlerMetric, 'value' | 'id' | 'host'>): (value: number, id: string) => void
  /** What a scrape reads. */
  families(): Iterable<Family>
}

/** Makes the taker. */
export function createHandlerMetrics(options: HandlerMetricsOptions): HandlerMetrics {
  const { mode, definitions, writeLine } = options
  const isScraped = mode === 'prometheus'
  const host = hostname()
  const known = new Map<string, Known>()
  const define = (given: MetricDefinition): Known => {
    const definition = { ...given, dimensions: [...given.dimensions, HOST_DIMENSION] }
    const entry = { definition, family: isScraped ? new KeptFamily(definition) : undefined }
    known.set(given.name, entry)
    return entry
  }
  for (const definition of definitions)
    if (!isScraped || !options.isTaken(definition.name)) define(definition)

  const find = (metric: Omit<HandlerMetric, 'value'>): Known | string => {
    const found = known.get(metric.name)
    if (found) return found
    const definition = detected(metric, { ...options, count: known.size - definitions.length })
    return typeof definition === 'string' ? definition : define(definition)
  }
  const add: AddHandlerMetric = (metric) => {
    if (!Number.isFinite(metric.value)) return 'its value is not a finite number'
    const found = find(metric)
    if (typeof found === 'string') return found
    const { definition, family } = found
    const values = [...Object.values(metric.labels), metric.host ?? host]
    if (family) return keep({ definition, family }, { values, value: metric.value, known })
    writeLine(metricLines(definition, values).handler(metric.value, metric.id || undefined))
    return undefined
  }
  const prepare = (metric: Omit<HandlerMetric, 'value' | 'id' | 'host'>) => {
    const found = find(metric)
    const values = [...Object.values(metric.labels), host]
    if (typeof found === 'string') return () => undefined
    const { definition, family } = found
    if (!family) {
      const lines = metricLines(definition, values)
      return (value: number, id: string) => writeLine(lines.handler(value, id))
    }
    return values.length === definition.dimensions.length ? family.with(values) : () => undefined
  }
  return { add, prepare, families: () => [...known.values()].flatMap(({ family }) => family ?? []) }
}

/** The definition of a metric that is seen for the first time, or why it gets none. */
function detected(
  { name, type, unit, labels }: Omit<HandlerMetric, 'value'>,
  { mode, detect, isTaken, count }: HandlerMetricsOptions & { count: number },
): MetricDefinition | string {
  if (!detect) return 'the metrics file does not define it, and model_metrics_auto_detect is off'
  if (type === undefined) return 'it has no type'
  if (count >= MOST_FAMILIES) return `there are ${MOST_FAMILIES} metrics already`
  const dimensions = Object.keys(labels)
  const refusal = mode === 'prometheus' ? notPrometheus(name, dimensions) : undefined
  if (refusal !== undefined) return refusal
  if (mode === 'prometheus' && isTaken(name)) return 'the server has a metric of this name'
  return { name, type, unit, dimensions }
}

/** Why Prometheus would not take a metric of this name; undefined: it does. */
export function notPrometheus(name: string, dimensions: readonly string[]): string | undefined {
  if (!/^[a-zA-Z_:][\w:]*$/.test(name)) return 'its name is not a Prometheus name'
  const wrong = dimensions.find((label) => !/^[a-zA-Z_]\w*$/.test(label))
  return wrong === undefined ? undefined : `its label ${JSON.stringify(wrong)} is not a Prometheus label`
}

function keep(
  { definition: { type, dimensions }, family }: { definition: MetricDefinition; family: KeptFamily },
  { values, value, known }: { values: readonly string[]; value: number; known: ReadonlyMap<string, Known> },
): string | undefined {
  if (type === 'counter' && value < 0) return 'a counter cannot decrease'
  if (values.length !== dimensions.length) return `its labels are ${dimensions.slice(0, -1).join(', ')}`
  const add = family.series(values, () => seriesOf(known) < MOST_SERIES)
  if (!add) return `there are ${MOST_SERIES} series already`
  add(value)
  return undefined
}

const seriesOf = (known: ReadonlyMap<string, Known>): number => {
  let count = 0
  for (const { family } of known.values()) count += family?.size ?? 0
  return count
}
