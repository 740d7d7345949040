/** What an index is made of: the checked data that the builder, the files and the search share. */
import { misuse, invalidShape } from '../errors.js'
import { encodeLabels, type LabelColumn } from './labels.js'
import type { Index, Metric } from './neighbours.js'

/** The data of an index. Vectors and ids are not copied on the way in: whoever gave them leaves them alone from then on. */
export interface IndexContents {
  readonly metric: Metric
  readonly dimension: number
  readonly count: number
  /** Row-major `[count, dimension]`, every value finite. */
  readonly vectors: Float32Array
  /** One per row; undefined when the row number is the id. */
  readonly ids: BigInt64Array | undefined
  readonly labels: LabelColumn | undefined
  /** SHA-256 (lower-case hex) of the embedding model. */
  readonly modelHash: string | undefined
}

/** An index whose data can be read whole, as `saveIndex` does. */
export interface StoredIndex extends Index {
  readonly contents: IndexContents
}

/** What `buildIndex` is given. */
export interface IndexInput {
  readonly metric: Metric
  /** Row-major `[count, dimension]`; kept, not copied. */
  readonly vectors: Float32Array
  readonly dimension: number
  /** One per row. */
  readonly labels?: readonly string[] | undefined
  /** One per row, not negative, each once. */
  readonly ids?: BigInt64Array | undefined
  /** SHA-256 (hex) of the embedding model that made the vectors. */
  readonly modelHash?: string | undefined
}

/**
 * Checks what a caller wants to index.
 * @throws MarinaError `invalid-shape` when vectors, ids or labels do not fit together; `misuse` for a hash that is none
 */
export function checkInput(input: IndexInput): IndexContents {
  const { metric, vectors, dimension, ids, labels } = input
  if (!Number.isInteger(dimension) || dimension < 1)
    throw invalidShape(`dimension must be a whole number from 1, not ${dimension}`)
  if (vectors.length % dimension !== 0)
    throw invalidShape(
      `${vectors.length} numbers are no whole number of vectors of dimension ${dimension}: one is cut short`,
    )
  const count = vectors.length / dimension
  if (labels && labels.length !== count)
    throw invalidShape(`${labels.length} labels for ${count} vectors: each row needs one`)
  if (ids) checkIds(ids, count)
  return {
    metric,
    dimension,
    count,
    vectors,
    ids,
    labels: labels && encodeLabels(labels),
    modelHash: input.modelHash === undefined ? undefined : parseModelHash(input.modelHash),
  }
}

/**
 * Brings a SHA-256 into the one form in which hashes are compared: 64 lower-case hex digits.
 * @throws MarinaError `misuse` for anything else
 */
export function parseModelHash(hash: string): string {
  const lower = hash.toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(lower))
    throw misuse(`modelHash must be a SHA-256 in 64 hex digits, not '${hash}'`)
  return lower
}

/** -1 is faiss's "no neighbour", so it can be nobody's id; an id that stands twice could name neither vector. */
function checkIds(ids: BigInt64Array, count: number): void {
  if (ids.length !== count) throw invalidShape(`${ids.length} ids for ${count} vectors: each row needs one`)
  const negative = ids.findIndex((id) => id < 0n)
  if (negative >= 0)
    throw invalidShape(`the id of row ${negative} is ${String(ids[negative])}: ids start at 0`)
  const sorted = ids.slice().sort()
  const twice = sorted.find((id, at) => at > 0 && id === sorted[at - 1])
  if (twice === undefined) return
  const first = ids.indexOf(twice)
  throw invalidShape(
    `id ${String(twice)} stands at row ${first} and again at row ${ids.indexOf(twice, first + 1)}`,
  )
}
