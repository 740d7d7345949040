/**
 * Distances in double precision, and the proof that candidates found in single precision hold the true neighbours.
 * A search is exact, whatever the order in which ONNX Runtime added up: that order changes with threads and batch size.
 */
import type { IndexContents } from './contents.js'
import type { Metric } from './neighbours.js'

/** Unit roundoff of single precision. */
const FLOAT_UNIT = 2 ** -24
/** Below this a float is denormal, and a kernel may take it for zero. */
const SMALLEST_NORMAL = 2 ** -126
/** Sums of products beyond this may overflow single precision on the way. */
const LARGEST_SAFE = 1e38

/** One query within a row-major array of them. */
export interface Query {
  readonly values: Float32Array
  /** Position of its first number in `values`. */
  readonly at: number
  /** Euclidean length. */
  readonly norm: number
}

/** Rows with their exact distances, nearest first; equal distances in order of the row. */
export interface Ranking {
  readonly rows: Uint32Array
  readonly dists: Float64Array
}

/**
 * The k nearest among `candidates` (all rows when undefined), by distance in double precision. There are at least k of them.
 * They are inserted one by one into a sorted list, which is quick because candidates come almost in order.
 */
export function rank(contents: IndexContents, query: Query, options: RankOptions): Ranking {
  const { k, candidates } = options
  const rows = new Uint32Array(k)
  // Inner products are kept negated, so that in both metrics the smallest is the nearest.
  const keys = new Float64Array(k).fill(Infinity)
  const measure = contents.metric === 'l2' ? squaredDistance : negatedProduct
  const size = candidates?.length ?? contents.count
  for (let i = 0; i < size; i++) {
    const row = candidates?.[i] ?? i
    const key = measure(contents, query, row)
    let place = Math.min(i, k)
    while (place > 0 && isBefore(key, row, keys[place - 1] ?? 0, rows[place - 1] ?? 0)) place--
    if (place === k) continue
    keys.copyWithin(place + 1, place, k - 1)
    rows.copyWithin(place + 1, place, k - 1)
    keys[place] = key
    rows[place] = row
  }
  return { rows, dists: contents.metric === 'l2' ? keys : keys.map((key) => 0 - key) }
}

/** What {@link rank} looks for, and where. */
interface RankOptions {
  readonly k: number
  readonly candidates?: Uint32Array | undefined
}

const isBefore = (key: number, row: number, otherKey: number, otherRow: number) =>
  key < otherKey || (key === otherKey && row < otherRow)

/**
 * `|x - q|²`; the differences are exact or rounded once, so that near-duplicates keep their true distance. Four sums side by
 * side, because with one each addition waits for the one before (measured: 0.4 µs a row of 128 against 0.1 µs).
 */
function squaredDistance({ vectors, dimension }: IndexContents, { values, at }: Query, row: number): number {
  const start = row * dimension
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 4 <= dimension; i += 4) {
    a += square((vectors[start + i] ?? 0) - (values[at + i] ?? 0))
    b += square((vectors[start + i + 1] ?? 0) - (values[at + i + 1] ?? 0))
    c += square((vectors[start + i + 2] ?? 0) - (values[at + i + 2] ?? 0))
    d += square((vectors[start + i + 3] ?? 0) - (values[at + i + 3] ?? 0))
  }
  for (; i < dimension; i++) a += square((vectors[start + i] ?? 0) - (values[at + i] ?? 0))
  return a + b + (c + d)
}

const square = (x: number) => x * x

function negatedProduct({ vectors, dimension }: IndexContents, { values, at }: Query, row: number): number {
  const start = row * dimension
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 4 <= dimension; i += 4) {
    a -= (vectors[start + i] ?? 0) * (values[at + i] ?? 0)
    b -= (vectors[start + i + 1] ?? 0) * (values[at + i + 1] ?? 0)
    c -= (vectors[start + i + 2] ?? 0) * (values[at + i + 2] ?? 0)
    d -= (vectors[start + i + 3] ?? 0) * (values[at + i + 3] ?? 0)
  }
  for (; i < dimension; i++) a -= (vectors[start + i] ?? 0) * (values[at + i] ?? 0)
  return a + b + (c + d)
}

/** What the error of a score depends on, besides the query. */
export interface ScoreShape {
  readonly metric: Metric
  readonly dimension: number
  /** Length of the longest vector of the index. */
  readonly longest: number
}

/**
 * How far a score computed in single precision may be from the true one; undefined when it may overflow.
 * A score is the inner product `x·q`, for L2 less `|x|²/2`. The bound is that of a sum of `dimension + 1` rounded products
 * in any order (Higham, Accuracy and Stability of Numerical Algorithms, §3.1), with room for the rounding of `|x|²/2`.
 */
export function scoreError({ metric, dimension, longest }: ScoreShape, norm: number): number | undefined {
  const magnitude = longest * norm + (metric === 'l2' ? longest ** 2 / 2 : 0)
  if (magnitude > LARGEST_SAFE) return undefined
  const terms = (dimension + 4) * FLOAT_UNIT
  return (terms / (1 - terms)) * magnitude + dimension * SMALLEST_NORMAL
}

/**
 * Whether no row outside the candidates can be as near as the last of a ranking.
 * @param found.worstScore the lowest score among the candidates: no other row scored higher
 * @param found.error how far a score may be from the true one
 */
export function isProven(ranking: Ranking, found: Proof): boolean {
  const { metric, dimension, norm, worstScore, error } = found
  const last = ranking.dists.at(-1) ?? 0
  const highest = worstScore + error
  if (metric === 'ip') return last > highest
  // |x - q|² = |q|² - 2·score; the slack is for the rounding of these sums, in double precision.
  const slack = dimension * 2 ** -50 * (norm * norm + last)
  return last + slack < norm * norm - 2 * highest
}

/** What {@link isProven} weighs. */
interface Proof {
  readonly metric: Metric
  readonly dimension: number
  readonly norm: number
  readonly worstScore: number
  readonly error: number
}
