/** Optimisers against steps that are computed by hand, and schedules at their corners. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { GraphBuilder } from '../onnx/index.js'
import { adam, constant, sgd, warmupCosine, type Optimizer } from './index.js'

/** Steps of one number with the given gradients: the parameter after each. */
async function stepsOf(
  optimizer: Optimizer,
  options: { start: number; gradients: readonly number[]; rate: number; decay?: boolean },
): Promise<number[]> {
  const graph = new GraphBuilder()
  const input = (name: string) => graph.input({ name, type: 'float32', shape: [1] })
  const slots = Object.fromEntries(optimizer.slots.map((name) => [name, input(name)]))
  const rate = graph.input({ name: 'rate', type: 'float32', shape: [] })
  const pass = {
    graph,
    parameter: input('p'),
    gradient: input('g'),
    slots,
    rate,
    decay: options.decay ?? false,
  }
  const next = optimizer.update(pass)
  const output = (from: string, name: string) => graph.output(from, { name, type: 'float32', shape: [1] })
  output(next.parameter, 'p’')
  for (const [name, value] of Object.entries(next.slots)) output(value, `${name}’`)
  const session = await InferenceSession.create(graph.encode('step'), { intraOpNumThreads: 1 })
  const one = (value: number) => new Tensor('float32', Float32Array.of(value), [1])
  let state: Record<string, Tensor> = { p: one(options.start) }
  for (const name of optimizer.slots) state[name] = one(0)
  const seen: number[] = []
  for (const [step, gradient] of options.gradients.entries()) {
    const rateNow = new Tensor('float32', Float32Array.of(optimizer.rate(options.rate, step)), [])
    const results = await session.run({ ...state, g: one(gradient), rate: rateNow })
    state = Object.fromEntries(Object.keys(state).map((name) => [name, results[`${name}’`] ?? one(NaN)]))
    seen.push(Number(state['p']?.data[0]))
  }
  await session.release()
  return seen
}

function expectClose(found: readonly number[], expected: readonly number[]) {
  expect(found.length).toBe(expected.length)
  found.forEach((value, at) => expect(value, `step ${at}`).toBeCloseTo(expected[at] ?? NaN, 6))
}

test('SGD keeps a velocity: v ← 0.5·v + g, p ← p − 0.1·v', async () => {
  // v: 2, 0.5·2 − 1 = 0, 0.5·0 + 4 = 4
  const found = await stepsOf(sgd({ momentum: 0.5 }), { start: 1, gradients: [2, -1, 4], rate: 0.1 })
  expectClose(found, [0.8, 0.8, 0.4])
})

test('SGD’s weight decay pulls towards zero, and only what takes it', async () => {
  const optimizer = sgd({ momentum: 0, weightDecay: 0.5 })
  expectClose(await stepsOf(optimizer, { start: 2, gradients: [0, 0], rate: 0.1, decay: true }), [1.9, 1.805])
  expectClose(await stepsOf(optimizer, { start: 2, gradients: [0, 0], rate: 0.1 }), [2, 2])
})

test('Adam’s first step is one rate long whatever the gradient’s size, and the second weighs both', async () => {
  const small = await stepsOf(adam(), { start: 1, gradients: [0.001], rate: 0.1 })
  const large = await stepsOf(adam(), { start: 1, gradients: [-1000], rate: 0.1 })
  expect(small[0]).toBeCloseTo(0.9, 3)
  expect(large[0]).toBeCloseTo(1.1, 6)
  // By hand, with β₁ = 0.5, β₂ = 0.75, gradients 1 and 3: m = 0.5, 1.75; v = 0.25, 2.4375; corrections 0.5, 0.75 and 0.25,
  // 0.4375: steps 0.1·(0.5/0.5)/√(0.25/0.25) and 0.1·(1.75/0.75)/√(2.4375/0.4375).
  const found = await stepsOf(adam({ beta1: 0.5, beta2: 0.75 }), { start: 1, gradients: [1, 3], rate: 0.1 })
  expectClose(found, [0.9, 0.9 - (0.1 * (1.75 / 0.75)) / Math.sqrt(2.4375 / 0.4375)])
})

test('Adam’s weight decay is part of the gradient', async () => {
  const found = await stepsOf(adam({ weightDecay: 0.1 }), {
    start: -4,
    gradients: [0],
    rate: 0.1,
    decay: true,
  })
  expectClose(found, [-3.9])
})

test('the warm-up rises in a line to the peak, and half a cosine leads from there to the floor', () => {
  const rate = warmupCosine({ peak: 1, steps: 110, warmup: 10, floor: 0.2 })
  expect([0, 4, 9].map(rate)).toEqual([0.1, 0.5, 1])
  expect(rate(10)).toBeCloseTo(1, 12)
  expect(rate(35)).toBeCloseTo(0.2 + (0.8 * (1 + Math.SQRT1_2)) / 2, 12)
  expect(rate(60)).toBeCloseTo(0.6, 12)
  expect(rate(110)).toBeCloseTo(0.2, 12)
  expect(rate(1000)).toBeCloseTo(0.2, 12)
})

test('without a warm-up the peak comes first, and a constant rate stays', () => {
  expect(warmupCosine({ peak: 3, steps: 10 })(0)).toBe(3)
  expect([0, 7, 1e6].map(constant(0.3))).toEqual([0.3, 0.3, 0.3])
})
