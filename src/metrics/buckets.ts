/** Buckets of histograms: adding costs a few comparisons. */

/** Bounds of a histogram without its own: those of Prometheus' Java client. */
export const BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** Bounds in seconds for times of requests: from an empty handler's answer to a slow generation. */
export const SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Counts of one set of labels. */
export interface Buckets {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[]
  /** One count for each bound, not cumulative, and one for what is above the last. */
  readonly counts: Float64Array
  sum: number
}

/** Makes empty {@link Buckets}. */
export const createBuckets = (bounds: readonly number[]): Buckets => ({
  bounds,
  counts: new Float64Array(bounds.length + 1),
  sum: 0,
})

/** Adds one value. */
export function addValue(buckets: Buckets, value: number): void {
  const { bounds, counts } = buckets
  let at = 0
  while (at < bounds.length && value > (bounds[at] ?? Infinity)) at++
  counts[at] = (counts[at] ?? 0) + 1
  buckets.sum += value
}
