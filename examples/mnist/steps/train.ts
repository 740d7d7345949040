/** Step 2: trains the network with ArcFace. Interrupted, it goes on from its last checkpoint. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineStep } from 'marina/pipeline'
import { adam, arcFace, createTrainer, shiftImages, streamBatches, warmupCosine } from 'marina/training'
import { openDataset, rowsOf } from '../dataset.js'
import { SIDE } from '../digit.js'
import { embeddingNetwork } from '../network.js'

/** Steps between two checkpoints: some seconds of work. */
const CHECKPOINT_EVERY = 50
/** Steps that the shown loss and accuracy are averaged over. */
const SMOOTHING = 20

export default defineStep({
  inputs: ['dataset'],
  outputs: ['model'],
  params: {
    seed: 1,
    epochs: 2,
    batch: 128,
    /** Adam's highest learning rate, after `warmup` steps; from there a cosine down to zero. */
    rate: 0.003,
    warmup: 50,
    /** Each image moves by at most so many pixels. */
    shift: 1,
    dimension: 128,
    scale: 30,
    margin: 0.5,
  },
  async run({ inputs, outputs, params, scratch, signal, progress, log, report }) {
    const dataset = await openDataset(inputs.dataset)
    const shards = dataset.splits.train.map(({ images, labels }) => ({ data: images, labels }))
    const { batch, epochs, seed, rate, warmup, shift, dimension, scale, margin } = params
    const steps = Math.floor(rowsOf(dataset.splits.train) / batch) * epochs
    const trainer = await createTrainer({
      network: embeddingNetwork(dimension),
      loss: arcFace({ classes: 10, scale, margin }),
      optimizer: adam(),
      schedule: warmupCosine({ peak: rate, steps, warmup }),
      batch,
      seed,
    })
    const checkpoint = join(scratch, 'checkpoint')
    if (existsSync(checkpoint)) {
      await trainer.restore(checkpoint)
      log(`goes on at step ${trainer.step} of ${steps}`)
    }
    const first = trainer.step
    const startMs = performance.now()
    const recent: { loss: number; accuracy: number }[] = []
    const mean = (of: 'loss' | 'accuracy') => recent.reduce((sum, row) => sum + row[of], 0) / recent.length
    const batches = streamBatches(shards, { batch, epochs, seed, skip: first })
    const images = shiftImages(batches, { shape: [1, SIDE, SIDE], by: shift, seed, skip: first })
    await trainer.fit(images, {
      steps,
      signal,
      checkpoint: { file: checkpoint, every: CHECKPOINT_EVERY },
      onStep(result) {
        if (recent.push(result) > SMOOTHING) recent.shift()
        const text = `loss ${mean('loss').toFixed(2)}, ${(100 * mean('accuracy')).toFixed(1)} % right`
        progress({ done: trainer.step, total: steps, text })
      },
    })
    const seconds = (performance.now() - startMs) / 1000
    await mkdir(outputs.model)
    const model = trainer.exportOnnx({ name: 'embedding', input: 'image', output: 'embedding' })
    await writeFile(join(outputs.model, 'model.onnx'), model)
    await writeFile(join(outputs.model, 'recipe.json'), JSON.stringify({ ...params, steps }, null, 2))
    const perThousand = trainer.step > first ? (1000 * seconds) / ((trainer.step - first) * batch) : 0
    report({ steps, loss: rounded(mean('loss'), 3), 's/1000 images': rounded(perThousand, 3) })
    await trainer.close()
  },
})

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))
