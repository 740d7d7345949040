/** A metric as a line of a log (contract metrics §7.2). */
import type { MetricDefinition } from './definitions.js'
import { javaDouble } from './java-number.js'

/** Writes one message of a log of metrics. */
export type WriteLine = (message: string) => void

/**
 * Prepares the lines of a metric under fixed values, of which the last is the host: `Name.Unit:1.0|#Level:Host|#hostname:h,timestamp:1`.
 * Names and values are paired as far as both go.
 */
export function metricLines({ name, unit, dimensions }: MetricDefinition, values: readonly string[]) {
  const host = field(values.at(-1) ?? '')
  const own = values.slice(0, -1)
  const pairs = dimensions
    .slice(0, own.length)
    .map((dimension, at) => `${field(dimension)}:${field(own[at] ?? '')}`)
  const before = `${field(name)}.${field(unit)}:`
  const after = `|#${pairs.join(',')}|#hostname:${host},`
  return {
    frontend: (value: number) => `${before}${javaDouble(value)}${after}timestamp:${epochSeconds()}`,
    handler: (value: number, id = 'null') =>
      `${before}${javaDouble(value)}${after}requestID:${requestId(id)},timestamp:${epochSeconds()}`,
  }
}

const epochSeconds = (): number => Math.floor(Date.now() / 1000)

// What separates fields, and what ends a line or moves a terminal's cursor.
const SEPARATORS = /[|,:\p{Cc}]/gu
const LINE_ENDS = /[|\p{Cc}]/gu

/** A name or a value cannot forge another field or line: such characters are written as in URLs. */
const field = (text: string): string => text.replace(SEPARATORS, encodeURIComponent)

/** Several ids stand with commas between them. */
const requestId = (text: string): string => text.replace(LINE_ENDS, encodeURIComponent)
