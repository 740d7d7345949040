/**
 * Step 4: the nearest-neighbour index. Images that most of their own neighbours contradict are left out (Wilson 1972,
 * "edited" nearest neighbour): the few that the network puts on a wrong island would answer for what lands near them.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineStep } from 'marina/pipeline'
import { writeNpy } from 'marina/training'
import { buildIndex, saveIndex } from 'marina/vector'
import { vote } from '../answers.js'
import { openDataset, readShards } from '../dataset.js'
import { SIDE } from '../digit.js'
import { readEmbeddings } from '../embeddings.js'

const PIXELS = SIDE * SIDE
/** Queries searched at once. */
const BATCH = 500

export default defineStep({
  inputs: ['dataset', 'model', 'embeddings'],
  outputs: ['index'],
  params: {
    /** Neighbours that must not contradict an image by majority; 0 keeps all images. */
    edit: 7,
  },
  async run({ inputs, outputs, params, progress, report }) {
    const { vectors, dimension } = await readEmbeddings(inputs.embeddings, 'index')
    const labels: string[] = []
    const ids: number[] = []
    const pictures: Uint8Array[] = []
    const dataset = await openDataset(inputs.dataset)
    for await (const shard of readShards(dataset.splits.index)) {
      labels.push(...Array.from(shard.labels, String))
      ids.push(...shard.ids)
      pictures.push(shard.images)
    }
    const model = await readFile(join(inputs.model, 'model.onnx'))
    const modelHash = createHash('sha256').update(model).digest('hex')

    const whole = await buildIndex({ metric: 'l2', dimension, vectors, labels, modelHash })
    const kept: number[] = []
    for (let first = 0; first < labels.length; first += BATCH) {
      progress({ done: first, total: labels.length, text: 'comparing each image with its neighbours' })
      const queries = vectors.subarray(first * dimension, (first + BATCH) * dimension)
      const found = await whole.search(queries, Math.min(params.edit + 1, labels.length))
      found.forEach((neighbours, at) => {
        const others = neighbours.filter(({ row }) => row !== first + at).slice(0, params.edit)
        if (others.length === 0 || vote(others) === labels[first + at]) kept.push(first + at)
      })
    }
    await whole.close()

    const index = await buildIndex({
      metric: 'l2',
      dimension,
      vectors: rowsOf(vectors, kept, dimension),
      labels: kept.map((row) => labels[row] ?? ''),
      ids: BigInt64Array.from(kept, (row) => BigInt(ids[row] ?? 0)),
      modelHash,
    })
    await mkdir(outputs.index)
    await saveIndex(index, join(outputs.index, 'index.faiss'))
    await index.close()
    const data = rowsOf(Buffer.concat(pictures), kept, PIXELS)
    await writeNpy(join(outputs.index, 'thumbnails.npy'), {
      dtype: 'u1',
      shape: [kept.length, SIDE, SIDE],
      data,
    })
    report({ vectors: kept.length, 'left out': labels.length - kept.length, dimension })
  },
})

/** Copies rows out of a row-major matrix. */
function rowsOf<T extends Float32Array | Uint8Array>(from: T, rows: readonly number[], width: number): T {
  const picked = new (from instanceof Float32Array ? Float32Array : Uint8Array)(rows.length * width) as T
  rows.forEach((row, at) => picked.set(from.subarray(row * width, (row + 1) * width), at * width))
  return picked
}
