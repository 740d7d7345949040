/** What the callers of an index are told when they ask for the impossible. */
import { invalidShape, MarinaError, misuse } from '../errors.js'

/** The queries are no whole number of vectors. */
export const wrongDimension = (numbers: number, dimension: number) =>
  invalidShape(
    `${numbers} numbers are no whole number of queries: the index has dimension ${dimension}; use the model that made it`,
  )

/** k is outside 1…count. */
export const kOutside = (k: number, count: number) =>
  invalidShape(
    count === 0
      ? 'the index holds no vectors: there is nothing to search'
      : `k must be a whole number from 1 to ${count}, the vectors in the index, not ${k}`,
  )

/** A row that the index does not have. */
export const rowOutside = (row: number, count: number) =>
  invalidShape(`row ${row} is not in the index: its rows are 0 to ${count - 1}`)

/** A vector or query with a value that has no distance to anything. */
export function notFinite(
  values: Float32Array,
  { row, dimension, what }: { row: number; dimension: number; what: 'vector' | 'query' },
): MarinaError {
  const start = row * dimension
  const column = values.subarray(start, start + dimension).findIndex((value) => !Number.isFinite(value))
  const value = String(values[start + column])
  return invalidShape(`${what} ${row} holds ${value} (at position ${column}): every number must be finite`)
}

/** More vectors than an exact index can search. */
export const tooLarge = ({ count, dimension }: { count: number; dimension: number }) =>
  invalidShape(
    `${count} vectors of dimension ${dimension} are beyond the 2 GB that an exact index holds: split them into several`,
  )

/** The index was closed. */
export const indexClosed = () => misuse('the index is closed: open it again to search')

/** The index is of another embedding model than the caller's; `carried` is undefined in a file that names none. */
export const wrongModel = (
  file: string,
  { carried, wanted }: { carried: string | undefined; wanted: string },
) =>
  new MarinaError(
    'wrong-model',
    carried === undefined
      ? `${file} does not say which embedding model made it, and the model in use is ${wanted}: ` +
          'build the index again with this model, or open it without a model hash if you know that they fit'
      : `${file} was made by the embedding model ${carried}, and the model in use is ${wanted}: ` +
          'embed and index the data again with this model, or serve the model that made the index',
  )
