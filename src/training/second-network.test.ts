/** A network of another shape than the example's, on other data, through the public API alone: the engine knows no one network. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { CLASSES, SHAPE, stripeBatches, stripes } from '../../test/training/stripes.js'
import { batchNorm, conv, createTrainer, dense, flatten, maxPool, relu } from './index.js'
import { sequential, sgd, softmaxCrossEntropy, warmupCosine, type Trainer } from './index.js'

const BATCH = 32
const STEPS = 80

const network = sequential(
  [
    ...[conv({ filters: 8, kernel: 3, padding: 1, bias: false }), batchNorm(), relu(), maxPool(3)],
    ...[conv({ filters: 12, kernel: 3, stride: 2, padding: 1 }), relu()],
    ...[flatten(), dense({ outputs: 16 }), relu(), dense({ outputs: CLASSES })],
  ],
  { input: { shape: SHAPE, type: 'float32', scale: 0.5, offset: -0.2 } },
)

const trainerOf = ({ threads, seed = 1 }: { threads: number; seed?: number }) =>
  createTrainer({
    network,
    loss: softmaxCrossEntropy({ classes: CLASSES }),
    optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
    schedule: warmupCosine({ peak: 0.05, steps: STEPS, warmup: 10 }),
    batch: BATCH,
    threads,
    seed,
  })

async function accuracyOf(trainer: Trainer): Promise<number> {
  const rows = 200
  const { data, labels } = stripes(rows, 1_000_000)
  const session = await InferenceSession.create(trainer.exportOnnx())
  const { output } = await session.run({ input: new Tensor('float32', data, [rows, ...SHAPE]) })
  await session.release()
  const scores = output?.data as Float32Array
  const best = Array.from({ length: rows }, (_, row) => {
    const own = scores.subarray(row * CLASSES, (row + 1) * CLASSES)
    return own.indexOf(Math.max(...own))
  })
  return best.filter((label, row) => label === labels[row]).length / rows
}

async function train(options: { threads: number; seed?: number; steps?: number }): Promise<Trainer> {
  const { steps = STEPS } = options
  const trainer = await trainerOf(options)
  await trainer.fit(stripeBatches({ rows: BATCH, count: steps }))
  return trainer
}

const weightsOf = (trainer: Trainer) =>
  [...network.layers.map(({ name }) => name), 'loss'].flatMap((layer) =>
    Object.entries(trainer.values(layer)).map(([name, data]) => [`${layer}.${name}`, data] as const),
  )

test('three channels, SGD with momentum and weight decay: it learns what the pictures show', async () => {
  const trainer = await train({ threads: 1 })
  expect(trainer.step).toBe(STEPS)
  expect(await accuracyOf(trainer)).toBeGreaterThan(0.97)
  await trainer.close()
})

test('before it is trained it knows nothing', async () => {
  const trainer = await trainerOf({ threads: 1 })
  expect(await accuracyOf(trainer)).toBeLessThan(0.6)
  await trainer.close()
})

test('the same seed gives the same weights, bit for bit, with one thread; another seed others', async () => {
  const [first, second, other] = [
    await train({ threads: 1, steps: 12 }),
    await train({ threads: 1, steps: 12 }),
    await train({ threads: 1, steps: 12, seed: 2 }),
  ]
  expect(weightsOf(second)).toEqual(weightsOf(first))
  expect(weightsOf(other)).not.toEqual(weightsOf(first))
  await Promise.all([first.close(), second.close(), other.close()])
})

test('with two threads it comes to the same as with one, but for rounding', async () => {
  const [one, two] = [await train({ threads: 1, steps: 5 }), await train({ threads: 2, steps: 5 })]
  const expected = new Map(weightsOf(one))
  for (const [name, values] of weightsOf(two)) {
    const difference = Math.max(
      ...values.map((value, at) => Math.abs(value - (expected.get(name)?.[at] ?? NaN))),
    )
    expect(difference, name).toBeLessThan(1e-4)
  }
  await Promise.all([one.close(), two.close()])
})
