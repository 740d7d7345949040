/** Reads the `Server-Timing` header: where the time of a request went. */

/** One stretch of time. */
export interface Phase {
  /** As in the header; `transfer` is what `total` has beyond the others. */
  readonly name: string
  readonly ms: number
}

/** The phases in the order in which they happened, and their sum. */
export interface Timing {
  readonly phases: readonly Phase[]
  readonly totalMs: number
}

/** Undefined where the header is absent or holds no duration. */
export function readServerTiming(header: string | null): Timing | undefined {
  const entries = (header ?? '').split(',').flatMap(entryOf)
  const phases = entries.filter(({ name }) => name !== 'total')
  if (entries.length === 0) return undefined
  const sumMs = phases.reduce((sum, { ms }) => sum + ms, 0)
  const totalMs = entries.find(({ name }) => name === 'total')?.ms ?? sumMs
  const rest = totalMs - sumMs
  return { phases: rest > 0 ? [...phases, { name: 'transfer', ms: rest }] : phases, totalMs }
}

function entryOf(text: string): Phase[] {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim())
  const duration = parameters.find((parameter) => parameter.startsWith('dur='))
  const ms = Number(duration?.slice('dur='.length).replaceAll('"', ''))
  return name !== '' && Number.isFinite(ms) ? [{ name, ms }] : []
}
