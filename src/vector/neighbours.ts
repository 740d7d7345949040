/** The interface of a nearest-neighbour index, and what it is made of. */

/** `l2` is the squared Euclidean distance, as faiss gives it (smaller is nearer); `ip` the inner product (larger is nearer). */
export type Metric = 'l2' | 'ip'

/** One neighbour of a query. */
export interface Neighbour {
  /** Row of the index, from 0. */
  readonly row: number
  /** The id given when the vector was added; the row number by default. */
  readonly id: bigint
  /** The label that stands beside the vector, or undefined in an index without labels. */
  readonly label: string | undefined
  /** Squared L2 distance or inner product, recomputed in double precision for the neighbours found. */
  readonly dist: number
}

/** What an index says of itself. */
export interface IndexInfo {
  readonly kind: 'exact'
  readonly metric: Metric
  readonly dimension: number
  readonly count: number
  /** SHA-256 (hex) of the embedding model that made the vectors; undefined for a bare faiss file. */
  readonly modelHash: string | undefined
}

/** Vectors with ids and labels that answer "which are nearest?". Whoever opened it closes it. */
export interface Index {
  readonly info: IndexInfo
  /**
   * The k nearest of each query, nearest first.
   * @param queries row-major `[n, dimension]`
   * @throws MarinaError `invalid-shape` for a wrong dimension, k outside 1…count, or a query that holds NaN (its row is named)
   */
  search(queries: Float32Array, k: number): Promise<readonly (readonly Neighbour[])[]>
  /** The stored vector of a row (a view). */
  vector(row: number): Float32Array
  close(): Promise<void>
}
