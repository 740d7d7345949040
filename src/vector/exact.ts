/**
 * Exact search: ONNX Runtime proposes candidates in single precision, and they are measured and proven in double.
 * What cannot be proven (many vectors at nearly the same distance) is asked for again with more candidates, then measured
 * row by row.
 */
import type { IndexContents, StoredIndex } from './contents.js'
import { indexClosed, kOutside, notFinite, rowOutside, tooLarge, wrongDimension } from './errors.js'
import { labelOf } from './labels.js'
import type { IndexInfo, Neighbour } from './neighbours.js'
import { isProven, rank, scoreError, type Query, type Ranking } from './rank.js'
import { createScorer, MAX_VECTOR_BYTES, type Candidates, type Scorer } from './scorer.js'

/**
 * Candidates beyond k. They are cheap beside the scores, and enough for the proof unless more than that many rows lie
 * within a rounding error of the k-th.
 */
const SPARE_CANDIDATES = 8
/** How many times more are asked for when the proof fails. */
const SECOND_TRY = 16

/** What `createExactIndex` takes from the machine. */
export interface ExactOptions {
  /** Threads of one search. */
  readonly threads: number
}

/**
 * Makes contents searchable. ONNX Runtime packs a copy of the vectors for its kernels: an index takes twice their size, and up
 * to four times for the moment of loading.
 * @throws MarinaError `invalid-shape` when a vector is not finite (its row is named), or beyond 2 GB of vectors
 */
export async function createExactIndex(contents: IndexContents, options: ExactOptions): Promise<StoredIndex> {
  if (contents.vectors.byteLength > MAX_VECTOR_BYTES) throw tooLarge(contents)
  const norms = normsOf(contents.vectors, { dimension: contents.dimension, what: 'vector' })
  const scorer = contents.count === 0 ? undefined : await createScorer(contents, { norms, ...options })
  return new ExactIndex(contents, { scorer, longest: norms.reduce((a, b) => Math.max(a, b), 0) })
}

class ExactIndex implements StoredIndex {
  readonly contents: IndexContents
  readonly info: IndexInfo
  readonly #longest: number
  #scorer: Scorer | undefined
  #closed = false
  readonly #searches = new Set<Promise<unknown>>()

  constructor(contents: IndexContents, found: { scorer: Scorer | undefined; longest: number }) {
    const { metric, dimension, count, modelHash } = contents
    this.contents = contents
    this.info = { kind: 'exact', metric, dimension, count, modelHash }
    this.#scorer = found.scorer
    this.#longest = found.longest
  }

  async search(values: Float32Array, k: number): Promise<readonly (readonly Neighbour[])[]> {
    const { dimension, count } = this.contents
    const scorer = this.#scorer
    if (this.#closed) throw indexClosed()
    if (values.length % dimension !== 0) throw wrongDimension(values.length, dimension)
    if (!Number.isInteger(k) || k < 1 || k > count || !scorer) throw kOutside(k, count)
    const norms = normsOf(values, { dimension, what: 'query' })
    const queries = Array.from(norms, (norm, row) => ({ values, at: row * dimension, norm }))
    // `close` waits for this: a session that is released under a running search takes the process along.
    const search = this.#nearest(scorer, { queries, k })
    this.#searches.add(search)
    try {
      return (await search).map((ranking) => this.#neighbours(ranking))
    } finally {
      this.#searches.delete(search)
    }
  }

  vector(row: number): Float32Array {
    const { vectors, dimension, count } = this.contents
    if (!Number.isInteger(row) || row < 0 || row >= count) throw rowOutside(row, count)
    return vectors.subarray(row * dimension, (row + 1) * dimension)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#searches)
    await this.#scorer?.release()
    this.#scorer = undefined
  }

  async #nearest(scorer: Scorer, { queries, k }: { queries: readonly Query[]; k: number }) {
    const found = new Map<Query, Ranking>()
    let open = queries.filter((query) => this.#errorOf(query) !== undefined)
    for (const wanted of [k + SPARE_CANDIDATES, SECOND_TRY * (k + SPARE_CANDIDATES)]) {
      const width = Math.min(wanted, this.contents.count)
      const candidates = await scorer.candidates(open, width)
      for (const [i, query] of open.entries()) {
        const ranking = this.#prove(query, { candidates: candidates[i], k })
        if (ranking) found.set(query, ranking)
      }
      open = open.filter((query) => !found.has(query))
    }
    return queries.map((query) => found.get(query) ?? rank(this.contents, query, { k }))
  }

  #prove(query: Query, { candidates, k }: { candidates: Candidates | undefined; k: number }) {
    if (!candidates) return undefined
    const ranking = rank(this.contents, query, { k, candidates: candidates.rows })
    if (candidates.rows.length === this.contents.count) return ranking
    const error = this.#errorOf(query) ?? Infinity
    const { metric, dimension } = this.contents
    const { worstScore } = candidates
    return isProven(ranking, { metric, dimension, norm: query.norm, worstScore, error }) ? ranking : undefined
  }

  #errorOf(query: Query): number | undefined {
    const { metric, dimension } = this.contents
    return scoreError({ metric, dimension, longest: this.#longest }, query.norm)
  }

  #neighbours({ rows, dists }: Ranking): Neighbour[] {
    const { ids, labels } = this.contents
    return Array.from(rows, (row, i) => ({
      row,
      id: ids?.[row] ?? BigInt(row),
      label: labels && labelOf(labels, row),
      dist: dists[i] ?? 0,
    }))
  }
}

/**
 * Lengths of row-major vectors, in double precision.
 * @throws MarinaError `invalid-shape` when a value is NaN or infinite
 */
function normsOf(values: Float32Array, { dimension, what }: { dimension: number; what: 'vector' | 'query' }) {
  const norms = new Float64Array(values.length / dimension)
  for (let row = 0; row < norms.length; row++) {
    let sum = 0
    for (let i = row * dimension; i < (row + 1) * dimension; i++) sum += (values[i] ?? 0) ** 2
    // A double holds the squares of all floats, so only a value that is not finite itself makes a sum that is not.
    if (!Number.isFinite(sum)) throw notFinite(values, { row, dimension, what })
    norms[row] = Math.sqrt(sum)
  }
  return norms
}
