/** Two whole steps of a network against the values that PyTorch came to (test/fixtures/training/step.py made them). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, expect, test } from 'vitest'
import { readCheckpoint, writeCheckpoint } from './checkpoint.js'
import { adam, arcFace, batchNorm, constant, conv, createTrainer, dense, flatten } from './index.js'
import { l2Normalize, maxPool, relu, sequential, sgd, type Optimizer, type Trainer } from './index.js'

interface Values {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

interface Recorded {
  readonly images: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly before: Readonly<Record<string, Values>>
  readonly losses: readonly number[]
  readonly after: Readonly<Record<string, Values>>
  /** Of the first images after both steps, batch norm by its averages. */
  readonly embeddings: Values
}

const fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/fixtures/training/step.json'), 'utf8'),
) as { readonly adam: Recorded; readonly sgd: Recorded }

const BATCH = 6
const folder = mkdtempSync(join(tmpdir(), 'marina-step-'))
afterAll(() => rmSync(folder, { recursive: true }))

const network = sequential(
  [
    conv({ filters: 3, kernel: 3, bias: false }),
    maxPool(2),
    batchNorm(),
    relu(),
    conv({ filters: 4, kernel: 3, stride: 2, padding: 1 }),
    relu(),
    flatten(),
    dense({ outputs: 8, bias: false }),
    batchNorm(),
    l2Normalize(),
  ],
  { input: { shape: [1, 10, 10], type: 'uint8', scale: 1 / 255 } },
)

/** Gives a trainer the weights that PyTorch began with. */
async function begin(trainer: Trainer, { before }: Recorded): Promise<void> {
  const file = join(folder, 'checkpoint')
  await trainer.save(file)
  const { fingerprint, step, tensors } = await readCheckpoint(file)
  const given = [...tensors].map(([name, own]) => {
    const { shape, data } = before[name] ?? own
    expect(shape, name).toEqual(own.shape)
    return [name, { shape, data: Float32Array.from(data) }] as const
  })
  expect(Object.keys(before).filter((name) => !tensors.has(name))).toEqual([])
  await writeCheckpoint(file, { fingerprint, step, tensors: new Map(given) })
  await trainer.restore(file)
}

/** Largest difference, as a share of the largest value. */
function difference(actual: Float32Array, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length)
  const largest = Math.max(...expected.map(Math.abs), 1e-3)
  return Math.max(...actual.map((value, at) => Math.abs(value - (expected[at] ?? NaN)))) / largest
}

const optimizers: readonly [name: 'adam' | 'sgd', optimizer: Optimizer, rate: number][] = [
  ['adam', adam(), 3e-3],
  ['sgd', sgd({ momentum: 0.9 }), 0.05],
]

test.each(optimizers)(
  '%s: losses, weights, averages and embeddings are those of PyTorch',
  async (name, optimizer, rate) => {
    const recorded = fixture[name]
    const loss = arcFace({ classes: 4, scale: 30, margin: 0.5 })
    const trainer = await createTrainer({
      network,
      loss,
      optimizer,
      schedule: constant(rate),
      batch: BATCH,
      threads: 1,
    })
    await begin(trainer, recorded)
    for (const [step, images] of recorded.images.entries()) {
      const result = await trainer.train({
        data: Uint8Array.from(images),
        labels: recorded.labels[step] ?? [],
      })
      const expected = recorded.losses[step] ?? NaN
      expect(Math.abs(result.loss - expected) / expected).toBeLessThan(2e-5)
    }
    for (const [full, { data }] of Object.entries(recorded.after)) {
      const [layer = '', value = ''] = full.split('.')
      expect(difference(trainer.values(layer)[value] ?? new Float32Array(), data), full).toBeLessThan(2e-4)
    }
    const session = await InferenceSession.create(trainer.exportOnnx(), { logSeverityLevel: 3 })
    const images = Uint8Array.from(recorded.images[0] ?? [])
    const { output } = await session.run({ input: new Tensor('uint8', images, [BATCH, 1, 10, 10]) })
    expect(difference(output?.data as Float32Array, recorded.embeddings.data)).toBeLessThan(5e-4)
    await session.release()
    await trainer.close()
  },
)
