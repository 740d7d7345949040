/** The reference that every index is held against: all distances in double precision, sorted. */
import type { Index, Neighbour } from '../../src/vector/neighbours.js'
import { checkInput, type IndexInput } from '../../src/vector/contents.js'
import { invalidShape, misuse } from '../../src/errors.js'

/** Distances of a query to all rows, the plainest way. */
export function distancesTo(query: Float32Array, input: IndexInput): number[] {
  return termsOf(query, input).map((terms) => terms.reduce((sum, term) => sum + term, 0))
}

/** The largest sum of absolute terms: what the rounding of a distance in double precision is to be measured by. */
export function magnitudeOf(query: Float32Array, input: IndexInput): number {
  const sums = termsOf(query, input).map((terms) => terms.reduce((sum, term) => sum + Math.abs(term), 0))
  return sums.reduce((largest, sum) => Math.max(largest, sum), 0)
}

function termsOf(query: Float32Array, { metric, vectors, dimension }: IndexInput): number[][] {
  return Array.from({ length: vectors.length / dimension }, (_, row) => {
    const vector = vectors.subarray(row * dimension, (row + 1) * dimension)
    return Array.from(vector, (x, i) => (metric === 'l2' ? (x - query[i]!) ** 2 : x * query[i]!))
  })
}

/** An index that measures and sorts everything. */
export function bruteForceIndex(input: IndexInput): Index {
  const { metric, dimension, count, vectors, ids, modelHash } = checkInput(input)
  let closed = false
  const nearest = (query: Float32Array, k: number): Neighbour[] => {
    const dists = distancesTo(query, input)
    const sign = metric === 'l2' ? 1 : -1
    const rows = dists.map((_, row) => row).sort((a, b) => sign * (dists[a]! - dists[b]!) || a - b)
    return rows.slice(0, k).map((row) => ({
      row,
      id: ids?.[row] ?? BigInt(row),
      label: input.labels?.[row],
      dist: dists[row]!,
    }))
  }
  return {
    info: { kind: 'exact', metric, dimension, count, modelHash },
    async search(queries, k) {
      if (closed) throw misuse('closed')
      await Promise.resolve()
      if (queries.length % dimension !== 0) throw invalidShape('wrong dimension')
      if (!Number.isInteger(k) || k < 1 || k > count) throw invalidShape(`k from 1 to ${count}`)
      const bad = queries.findIndex((value) => !Number.isFinite(value))
      if (bad >= 0) throw invalidShape(`query ${Math.floor(bad / dimension)} holds ${queries[bad]!}`)
      return Array.from({ length: queries.length / dimension }, (_, row) =>
        nearest(queries.subarray(row * dimension, (row + 1) * dimension), k),
      )
    },
    vector(row) {
      if (!Number.isInteger(row) || row < 0 || row >= count) throw invalidShape(`row ${row}`)
      return vectors.subarray(row * dimension, (row + 1) * dimension)
    },
    close() {
      closed = true
      return Promise.resolve()
    },
  }
}
