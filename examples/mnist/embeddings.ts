/** Embeddings as files: one `.npy` matrix for each split. */
import { join } from 'node:path'
import { readNpy } from 'marina/training'

/** A matrix of embeddings. */
export interface Embeddings {
  /** Row-major `[rows, dimension]`. */
  readonly vectors: Float32Array
  readonly dimension: number
}

/** Reads `<folder>/<name>.npy`. */
export async function readEmbeddings(folder: string, name: string): Promise<Embeddings> {
  const file = join(folder, `${name}.npy`)
  const { data, shape } = await readNpy(file)
  const [, dimension] = shape
  if (!(data instanceof Float32Array) || dimension === undefined)
    throw new Error(`${file} holds no matrix of 32-bit floats`)
  return { vectors: data, dimension }
}
