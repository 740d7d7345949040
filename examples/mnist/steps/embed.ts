/** Step 3: embeds what is indexed and judged, and pictures that are no digit. */
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openModel } from 'marina'
import { defineStep } from 'marina/pipeline'
import { writeNpy } from 'marina/training'
import { openDataset, readShards, rowsOf } from '../dataset.js'
import { SIDE } from '../digit.js'
import { foreignImages } from '../foreign.js'

const PIXELS = SIDE * SIDE
/** Images embedded at once. */
const BATCH = 250

export default defineStep({
  inputs: ['dataset', 'model'],
  outputs: ['embeddings'],
  params: { foreign: 2000, seed: 1 },
  async run({ inputs, outputs, params, signal, progress, report }) {
    const dataset = await openDataset(inputs.dataset)
    const model = await openModel(join(inputs.model, 'model.onnx'), { threads: availableParallelism() })
    await mkdir(outputs.embeddings)
    const splits = ['index', 'validation', 'test'] as const
    const total = splits.reduce((sum, split) => sum + rowsOf(dataset.splits[split]), params.foreign)
    let done = 0

    async function embed(images: Uint8Array): Promise<Float32Array[]> {
      const parts: Float32Array[] = []
      for (let at = 0; at < images.length; at += BATCH * PIXELS) {
        signal.throwIfAborted()
        const data = images.subarray(at, at + BATCH * PIXELS)
        const rows = data.length / PIXELS
        parts.push(await model.floats([{ type: 'uint8', shape: [rows, 1, SIDE, SIDE], data }]))
        done += rows
        progress({ done, total })
      }
      return parts
    }

    async function save(name: string, rows: number, parts: readonly Float32Array[]): Promise<void> {
      const data = concat(parts)
      const file = join(outputs.embeddings, `${name}.npy`)
      await writeNpy(file, { dtype: 'f4', shape: [rows, data.length / rows], data })
    }

    for (const split of splits) {
      const parts: Float32Array[] = []
      for await (const shard of readShards(dataset.splits[split])) parts.push(...(await embed(shard.images)))
      await save(split, rowsOf(dataset.splits[split]), parts)
    }
    await save('foreign', params.foreign, await embed(foreignImages(params.foreign, params.seed)))
    report({ images: total })
    await model.close()
  },
})

function concat(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
