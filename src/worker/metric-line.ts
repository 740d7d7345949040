/**
 * Metrics that a Python handler prints instead of saying: lines of TorchServe's grammar (contract metrics §8.1),
 *
 *     [METRICS]HandlerTime.Milliseconds:12.3|#ModelName:noop,Level:Model|#type:GAUGE|#hostname:host1,1795406412,3f0c…
 */
import type { UpMessage } from '../protocol/messages.js'

type Metric = Extract<UpMessage, { kind: 'metric' }>

const MARK = /^(?:INFO > )?\[METRICS\]/
// Each character can be matched in one way only, so that no line of a handler's takes long.
const LINE =
  /^\s*(\w[\w\s]*)\.([\w\s]+):([-+\d.e]+)\|#([^|]*)(?:\|#type:([^|]+))?\|#hostname:([^,]+),\d+(?:,(.+))?$/i

/** What a printed line says: a metric, a line that means to be one and is not, or neither. */
export type MetricLine =
  | { readonly kind: 'metric'; readonly metric: Metric }
  | { readonly kind: 'broken' }
  | { readonly kind: 'text' }

/** Reads one line of stdout. */
export function parseMetricLine(line: string): MetricLine {
  const mark = MARK.exec(line)
  if (!mark) return { kind: 'text' }
  const match = LINE.exec(line.slice(mark[0].length))
  const value = Number(match?.[3] ?? NaN)
  if (!match || !Number.isFinite(value)) return { kind: 'broken' }
  const [, name = '', unit = '', , labels = '', typeName = '', host = '', id] = match
  const type = types.get(typeName)
  const metric: Metric = {
    kind: 'metric',
    name,
    ...(type === undefined ? {} : { type }),
    value,
    unit,
    labels: labelsOf(labels),
    host,
    ...(id === undefined ? {} : { id }),
  }
  return { kind: 'metric', metric }
}

const types: ReadonlyMap<string, NonNullable<Metric['type']>> = new Map([
  ['COUNTER', 'counter'],
  ['GAUGE', 'gauge'],
  ['HISTOGRAM', 'histogram'],
])

/** `name:value,name:value`; what has not exactly one colon is left out. */
function labelsOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((item) => item.split(':'))
  return Object.fromEntries(
    pairs.flatMap(([name = '', value, ...rest]) =>
      name === '' || value === undefined || rest.length > 0 ? [] : [[name, value]],
    ),
  )
}
