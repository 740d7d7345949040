/** Every gradient against finite differences: a change of each value by a little must change the loss as the gradient says. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { GraphBuilder } from '../onnx/index.js'
import { arcFace, batchNorm, conv, dense, flatten, l2Normalize, maxPool, relu } from './index.js'
import { softmaxCrossEntropy, type Layer, type Loss, type Shape } from './index.js'
import { createRandom, type Random } from './random.js'

const BATCH = 3
/** Step of the differences: small against the values (about 1), large against what float32 can tell apart. */
const STEP = 2e-2

interface Leaf {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** A graph whose outputs are `loss` and, for each leaf, its gradient under `d:<leaf>`. */
interface Case {
  readonly bytes: Uint8Array
  readonly leaves: readonly Leaf[]
  readonly feeds?: Readonly<Record<string, Tensor>>
}

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)

/** Values whose order is kept by a change of STEP, so that no window or rectifier changes sides within a difference. */
function spaced(size: number, random: Random): Float32Array {
  const order = Array.from({ length: size }, (_, at) => at).sort(() => random.uniform() - 0.5)
  return Float32Array.from(order, (rank) => (rank - (size - 1) / 2 + 0.25) * 3 * STEP)
}

function normal(size: number, random: Random): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal())
}

function layerCase(layer: Layer, inputShape: Shape, values = normal): Case {
  const { operator, options } = layer
  const random = createRandom(7)
  const graph = new GraphBuilder()
  const leaves: Leaf[] = []
  const leaf = (name: string, shape: readonly number[], data: Float32Array) => {
    leaves.push({ name, shape, data })
    return graph.input({ name, type: 'float32', shape })
  }
  const outputShape = operator.output(inputShape, options)
  const input = leaf('x', [BATCH, ...inputShape], values(count(inputShape) * BATCH, random))
  const parameters = Object.fromEntries(
    (operator.parameters?.(inputShape, options) ?? []).map(({ name, shape }) => [
      name,
      leaf(name, shape, normal(count(shape), random)),
    ]),
  )
  const statistics = Object.fromEntries(
    (operator.statistics?.(inputShape, options) ?? []).map(({ name, shape, initialize }) => {
      const data = initialize(random)
      return [
        name,
        graph.initializer(`old ${name}`, { type: 'float32', shape, data: new Uint8Array(data.buffer) }),
      ]
    }),
  )
  const pass = { graph, options, inputShape, outputShape, batch: BATCH, input, parameters, statistics }
  const { output, saved = {} } = operator.forward(pass)
  // The loss is a product with fixed numbers, so that these are its gradient by the output.
  const weights = normal(count(outputShape) * BATCH, random)
  const shape = [BATCH, ...outputShape]
  const gradient = graph.initializer('weights', {
    type: 'float32',
    shape,
    data: new Uint8Array(weights.buffer),
  })
  const back = operator.backward({ ...pass, output, saved, gradient, needsInput: true })
  graph.output(graph.node('Mul', [output, gradient]), { name: 'loss', type: 'float32', shape })
  const gradients: Readonly<Record<string, string>> = { ...back.parameters, x: back.input ?? '' }
  for (const { name, shape } of leaves) {
    graph.output(gradients[name] ?? '', { name: `d:${name}`, type: 'float32', shape })
  }
  return { bytes: graph.encode('case'), leaves }
}

function lossCase(loss: Loss, dimension: number, { unit }: { unit: boolean }): Case {
  const random = createRandom(11)
  const graph = new GraphBuilder()
  const rows = normal(BATCH * dimension, random)
  if (unit) normalizeRows(rows, dimension)
  const leaves: Leaf[] = [{ name: 'x', shape: [BATCH, dimension], data: rows }]
  const declared = loss.parameters([dimension]).map(({ name, shape }) => {
    leaves.push({ name, shape, data: normal(count(shape), random) })
    return [name, graph.input({ name, type: 'float32', shape })] as const
  })
  const input = graph.input({ name: 'x', type: 'float32', shape: [BATCH, dimension] })
  const labels = graph.input({ name: 'labels', type: 'int64', shape: [BATCH] })
  const parameters = Object.fromEntries(declared)
  const result = loss.write({ graph, batch: BATCH, input, inputShape: [dimension], labels, parameters })
  graph.output(result.loss, { name: 'loss', type: 'float32', shape: [] })
  const gradients: Readonly<Record<string, string>> = { ...result.parameters, x: result.input }
  for (const { name, shape } of leaves) {
    graph.output(gradients[name] ?? '', { name: `d:${name}`, type: 'float32', shape })
  }
  const feeds = { labels: new Tensor('int64', BigInt64Array.of(2n, 0n, 1n), [BATCH]) }
  return { bytes: graph.encode('case'), leaves, feeds }
}

function normalizeRows(values: Float32Array, width: number): void {
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width)
    const length = Math.hypot(...row)
    row.forEach((value, column) => (row[column] = value / length))
  }
}

/** The largest difference between a gradient and its finite differences, as a share of the largest gradient. */
async function largestError({ bytes, leaves, feeds = {} }: Case): Promise<Record<string, number>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const run = (changed?: { name: string; at: number; by: number }) => {
    const tensors = leaves.map(({ name, shape, data }) => {
      const values = data.slice()
      if (changed?.name === name) values[changed.at] = (values[changed.at] ?? 0) + changed.by
      return [name, new Tensor('float32', values, shape)] as const
    })
    return session.run({ ...feeds, ...Object.fromEntries(tensors) })
  }
  // Summed here in double precision, since the differences are of the last digits.
  const lossAt = async (changed: { name: string; at: number; by: number }) =>
    Array.from((await run(changed))['loss']?.data as Float32Array).reduce((sum, value) => sum + value, 0)
  const results = await run()
  const errors: Record<string, number> = {}
  for (const { name, data } of leaves) {
    const gradient = results[`d:${name}`]?.data as Float32Array
    const largest = Math.max(...gradient.map(Math.abs))
    let worst = 0
    for (let at = 0; at < data.length; at++) {
      // The five-point rule: its error is of the fourth power of the step, so the step may be large.
      const [far, near, nearBack, farBack] = await Promise.all(
        [2, 1, -1, -2].map((steps) => lossAt({ name, at, by: (steps * STEP) / 4 })),
      )
      const difference = (-(far ?? 0) + 8 * (near ?? 0) - 8 * (nearBack ?? 0) + (farBack ?? 0)) / (3 * STEP)
      worst = Math.max(worst, Math.abs(difference - (gradient[at] ?? 0)))
    }
    errors[name] = worst / largest
  }
  await session.release()
  return errors
}

async function expectRightGradients(made: Case, leaves: readonly string[]) {
  const errors = await largestError(made)
  expect(Object.keys(errors)).toEqual(leaves)
  for (const [leaf, error] of Object.entries(errors)) expect(error, leaf).toBeLessThan(3e-3)
}

const cases: Readonly<
  Record<string, readonly [name: string, make: () => Case, leaves: readonly string[]][]>
> = {
  'conv.ts': [
    [
      'a kernel without padding',
      () => layerCase(conv({ filters: 2, kernel: 3 }), [2, 5, 5]),
      ['x', 'weight', 'bias'],
    ],
    ['no bias', () => layerCase(conv({ filters: 2, kernel: 3, bias: false }), [1, 5, 4]), ['x', 'weight']],
    [
      'padding',
      () => layerCase(conv({ filters: 2, kernel: 3, padding: 1 }), [3, 4, 5]),
      ['x', 'weight', 'bias'],
    ],
    [
      'a stride that fits',
      () => layerCase(conv({ filters: 2, kernel: 3, stride: 2 }), [1, 7, 5]),
      ['x', 'weight', 'bias'],
    ],
    [
      'a stride that leaves rows over',
      () => layerCase(conv({ filters: 2, kernel: 3, stride: 2, padding: 1 }), [2, 6, 8]),
      ['x', 'weight', 'bias'],
    ],
    [
      'more channels than the kernel is wide',
      () => layerCase(conv({ filters: 2, kernel: 2 }), [3, 4, 5]),
      ['x', 'weight', 'bias'],
    ],
    [
      'more channels, padding, and a stride that leaves rows over',
      () => layerCase(conv({ filters: 2, kernel: 2, stride: 2, padding: 1 }), [3, 3, 5]),
      ['x', 'weight', 'bias'],
    ],
    [
      'a stride of three',
      () => layerCase(conv({ filters: 1, kernel: 2, stride: 3 }), [1, 7, 6]),
      ['x', 'weight', 'bias'],
    ],
  ],
  'max-pool.ts': [
    ['windows of two', () => layerCase(maxPool(2), [2, 4, 6], spaced), ['x']],
    ['windows of three, with an edge left over', () => layerCase(maxPool(3), [1, 7, 8], spaced), ['x']],
  ],
  'relu.ts': [['both sides of zero', () => layerCase(relu(), [3, 4], spaced), ['x']]],
  'batch-norm.ts': [
    ['features', () => layerCase(batchNorm(), [5]), ['x', 'scale', 'shift']],
    ['channels', () => layerCase(batchNorm(), [2, 3, 4]), ['x', 'scale', 'shift']],
  ],
  'dense.ts': [
    ['with bias', () => layerCase(dense({ outputs: 4 }), [6]), ['x', 'weight', 'bias']],
    ['without bias', () => layerCase(dense({ outputs: 4, bias: false }), [3]), ['x', 'weight']],
  ],
  'flatten.ts': [['three dimensions', () => layerCase(flatten(), [2, 3, 2]), ['x']]],
  'l2-normalize.ts': [['features', () => layerCase(l2Normalize(), [6]), ['x']]],
  'arc-face.ts': [
    ['usual angles', () => lossCase(arcFace({ classes: 4, scale: 4 }), 6, { unit: true }), ['x', 'weight']],
    [
      'beyond the angle where the margin would turn round',
      () => lossCase(arcFace({ classes: 4, scale: 4, margin: 2.6 }), 6, { unit: true }),
      ['x', 'weight'],
    ],
  ],
  'softmax-cross-entropy.ts': [
    ['scores', () => lossCase(softmaxCrossEntropy({ classes: 4 }), 4, { unit: false }), ['x']],
  ],
}

test('every operator has a gradient check', () => {
  const files = readdirSync(join(import.meta.dirname, 'operators')).filter((file) => !file.includes('.test.'))
  expect(Object.keys(cases).sort()).toEqual(files.sort())
})

describe.each(Object.entries(cases))('%s', (_, rows) => {
  test.each(rows)('the gradient is right for %s', (_name, make, leaves) =>
    expectRightGradients(make(), leaves),
  )
})

test('the check finds a gradient that is wrong by one percent', async () => {
  const right = relu()
  const backward: typeof right.operator.backward = (pass) => {
    const { input = '', parameters } = right.operator.backward(pass)
    return { input: pass.graph.node('Mul', [input, pass.graph.scalar(1.01)]), parameters }
  }
  const wrong = { ...right, operator: { ...right.operator, backward } }
  expect((await largestError(layerCase(wrong, [6], spaced)))['x']).toBeGreaterThan(5e-3)
})
