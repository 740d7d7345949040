/** Families of samples, as a scrape reads them. */
import { BOUNDS, addValue, createBuckets, type Buckets } from './buckets.js'
import type { MetricDefinition, MetricType } from './definitions.js'

/** Labels in the order in which they are written. */
export type Labels = readonly (readonly [name: string, value: string])[]

/** One line of a scrape. `suffix` follows the family's name: a histogram has `_bucket`, `_count` and `_sum`. */
export interface Sample {
  readonly suffix: '' | '_bucket' | '_count' | '_sum'
  readonly labels: Labels
  readonly value: number
}

/** What stands under one HELP and TYPE. */
export interface Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  samples(): Iterable<Sample>
}

/** Takes one more value of a metric under fixed labels. */
export type Update = (value: number) => void

/** A family that keeps its own values, a series for each list of label values. */
export class KeptFamily implements Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly #dimensions: readonly string[]
  readonly #series = new Map<string, Series>()

  constructor({ name, type, unit, dimensions }: MetricDefinition) {
    this.name = name
    this.type = type
    // TorchServe's help text says no more than this.
    this.help = `Torchserve prometheus ${type} metric with unit: ${unit}`
    this.#dimensions = dimensions
  }

  get size(): number {
    return this.#series.size
  }

  /** How a series is updated; it is there from its first value on. `values` has one for each dimension. */
  with(values: readonly string[]): Update {
    let add: Update | undefined
    return (value) => {
      add ??= this.series(values, always)
      add?.(value)
    }
  }

  /** The update of one series; one that is not there yet is made where that is allowed, or else undefined. */
  series(values: readonly string[], mayCreate: () => boolean): Update | undefined {
    const key = values.join('\0')
    const found = this.#series.get(key)
    if (found || !mayCreate()) return found?.add
    const created = this.#create(values)
    this.#series.set(key, created)
    return created.add
  }

  /** Removes a series, if it is there. */
  delete(values: readonly string[]): void {
    this.#series.delete(values.join('\0'))
  }

  *samples(): Generator<Sample> {
    for (const series of this.#series.values()) yield* series.samples()
  }

  #create(values: readonly string[]): Series {
    const labels = this.#dimensions.map((name, at) => [name, values[at] ?? ''] as const)
    return this.type === 'histogram' ? histogramSeries(labels) : numberSeries(labels, this.type)
  }
}

const always = () => true

interface Series {
  readonly add: Update
  samples(): Iterable<Sample>
}

function numberSeries(labels: Labels, type: 'counter' | 'gauge'): Series {
  let kept = 0
  return {
    add: (value) => {
      kept = type === 'counter' ? kept + value : value
    },
    samples: () => [{ suffix: '', labels, value: kept }],
  }
}

function histogramSeries(labels: Labels): Series {
  const buckets = createBuckets(BOUNDS)
  return { add: (value) => addValue(buckets, value), samples: () => histogramSamples(labels, buckets) }
}

/** The samples of one set of buckets, cumulative, in TorchServe's order. */
export function histogramSamples(labels: Labels, { bounds, counts, sum }: Buckets): Sample[] {
  let below = 0
  const counted = [...counts].map((count, at): Sample => {
    below += count
    return { suffix: '_bucket', labels: [...labels, ['le', boundText(bounds[at])]], value: below }
  })
  return [...counted, { suffix: '_count', labels, value: below }, { suffix: '_sum', labels, value: sum }]
}

const boundText = (bound: number | undefined): string =>
  bound === undefined ? '+Inf' : Number.isInteger(bound) ? `${bound}.0` : String(bound)
