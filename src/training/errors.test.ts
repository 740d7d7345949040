/** What a user of the engine is told when something does not fit, and a kind of layer that is made outside it. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { adam, arcFace, constant, conv, createTrainer, defineOperator, dense, flatten } from './index.js'
import { maxPool, relu, sequential, sgd, softmaxCrossEntropy, type Layer, type Network } from './index.js'

const image = { input: { shape: [3, 8, 8], type: 'float32' } } as const
const row = { input: { shape: [4], type: 'float32' } } as const

const trainerOf = (network: Network, options: { rate?: number; batch?: number } = {}) =>
  createTrainer({
    network,
    loss: softmaxCrossEntropy({ classes: 3 }),
    optimizer: sgd({ momentum: 0 }),
    schedule: constant(options.rate ?? 0.1),
    batch: options.batch ?? 2,
    threads: 1,
  })

test.each<[string, readonly Layer[], RegExp]>([
  [
    'a kernel larger than its input',
    [conv({ filters: 4, kernel: 3, stride: 2 }), conv({ filters: 4, kernel: 5 })],
    /^conv2: takes .* at least 5×5, not \[4, 3, 3\] \(from conv1, which gives \[4, 3, 3\]\)/,
  ],
  [
    'a pool larger than its input',
    [maxPool(9)],
    /^maxPool1: .*9×9, not \[3, 8, 8\] \(from the network’s input/,
  ],
  [
    'planes into a dense layer',
    [relu(), dense({ outputs: 2 })],
    /^dense1: .*not \[3, 8, 8\]; put flatten\(\)/,
  ],
  ['a layer with a name of its own', [maxPool(9, { name: 'shrink' })], /^shrink: takes/],
])('%s is an error that names layer and shapes', (_, layers, message) => {
  const make = () => sequential(layers, image)
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid-shape' }))
})

test('a loss that does not fit names itself, what it takes, what it gets and from where', async () => {
  const network = sequential([dense({ outputs: 5 })], row)
  const made = trainerOf(network)
  await expect(made).rejects.toThrow(
    /^softmaxCrossEntropy: .*\[3\], not \[5\] \(from dense1, which gives \[5\]\)/,
  )
  const planes = createTrainer({
    network: sequential([relu()], image),
    loss: arcFace({ classes: 3 }),
    optimizer: adam(),
    schedule: constant(1),
    batch: 2,
  })
  await expect(planes).rejects.toThrow(
    /^arcFace: takes embeddings \[dimension\], not \[3, 8, 8\] \(from relu1/,
  )
})

test('something that is no layer, and two layers of one name, are refused', () => {
  const unknown = { operator: 'gelu', options: {} } as unknown as Layer
  expect(() => sequential([relu(), unknown], row)).toThrow(/Layer 2 is 'gelu'.*defineOperator/)
  expect(() => sequential([relu({ name: 'a' }), relu({ name: 'a' })], row)).toThrow(
    /Two layers are called 'a'/,
  )
  expect(() => sequential([], { input: { shape: [0, 2], type: 'float32' } })).toThrow(/positive sizes/)
})

test('a batch of another shape, type or label is refused with the step, and changes nothing', async () => {
  const trainer = await trainerOf(sequential([dense({ outputs: 3 })], row))
  const refused = (data: Float32Array | Uint8Array, labels: number[], message: RegExp) =>
    expect(trainer.train({ data, labels })).rejects.toThrow(message)
  await refused(
    new Float32Array(7),
    [0, 1],
    /Step 0: .*float32 \[2, 4\] of 8 elements, not Float32Array of 7/,
  )
  await refused(new Uint8Array(8), [0, 1], /not Uint8Array of 8/)
  await refused(new Float32Array(8), [0], /1 labels for 2 rows/)
  await refused(new Float32Array(8), [0, 3], /row 1: the label 3 is not from 0 to 2/)
  await refused(new Float32Array(8), [0, 0.5], /row 1: the label 0\.5/)
  expect(trainer.step).toBe(0)
  await trainer.close()
})

test('a batch size or number of threads that is none is refused', async () => {
  const network = sequential([dense({ outputs: 3 })], row)
  await expect(trainerOf(network, { batch: 0 })).rejects.toThrow(/batch must be a whole number from 1, not 0/)
})

test('a loss that is no number names the row of the data that is to blame', async () => {
  const trainer = await trainerOf(sequential([dense({ outputs: 3 })], row))
  const data = Float32Array.of(1, 2, 3, 4, 5, NaN, 7, 8)
  await expect(trainer.train({ data, labels: [0, 1] })).rejects.toMatchObject({
    code: 'training-failed',
    message: expect.stringMatching(
      /Step 0: .*softmaxCrossEntropy is NaN.*Row 1 of the batch holds NaN/,
    ) as string,
  })
  await trainer.close()
})

test('a loss that is no number names the layer whose weights are gone, and the rate', async () => {
  const trainer = await trainerOf(sequential([dense({ outputs: 6 }), relu(), dense({ outputs: 3 })], row), {
    rate: 1e38,
  })
  const batch = { data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).map((x) => x * 100), labels: [0, 1] }
  const running = (async () => {
    for (let step = 0; step < 10; step++) await trainer.train(batch)
  })()
  await expect(running).rejects.toThrow(
    /Step \d+: .*(dense[12]\.\w+ is no longer finite|Data and weights are finite).*rate/,
  )
  await trainer.close()
})

/** y = x·|x|, as a user's project would write it. */
const signedSquare = defineOperator<{ readonly factor: number }>({
  name: 'signedSquare',
  output: (input) => input,
  forward({ graph, input, options: { factor } }) {
    const magnitude = graph.node('Abs', [input])
    const product = graph.node('Mul', [input, magnitude])
    return { output: graph.node('Mul', [product, graph.scalar(factor)]), saved: { magnitude } }
  },
  backward({ graph, gradient, saved, options: { factor } }) {
    const slope = graph.node('Mul', [saved['magnitude'] ?? '', graph.scalar(2 * factor)])
    return { input: graph.node('Mul', [gradient, slope]), parameters: {} }
  },
  infer({ graph, input, options: { factor } }) {
    const product = graph.node('Mul', [input, graph.node('Abs', [input])])
    return graph.node('Mul', [product, graph.scalar(factor)])
  },
})

test('a new kind of layer is one value: it trains, takes a name, and is exported', async () => {
  const layers = [dense({ outputs: 8 }), signedSquare({ factor: 0.5 }), dense({ outputs: 3 })]
  const network = sequential(layers, row)
  expect(network.layers.map(({ name }) => name)).toEqual(['dense1', 'signedSquare1', 'dense2'])
  const trainer = await trainerOf(network, { rate: 0.2, batch: 3 })
  const data = Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
  const losses: number[] = []
  for (let step = 0; step < 60; step++) losses.push((await trainer.train({ data, labels: [2, 0, 1] })).loss)
  expect(losses.at(-1)).toBeLessThan(0.2 * (losses[0] ?? 0))
  const session = await InferenceSession.create(trainer.exportOnnx())
  const { output } = await session.run({ input: new Tensor('float32', data, [3, 4]) })
  const scores = output?.data as Float32Array
  const best = [0, 1, 2].map((at) => {
    const own = scores.subarray(3 * at, 3 * at + 3)
    return own.indexOf(Math.max(...own))
  })
  expect(best).toEqual([2, 0, 1])
  await session.release()
  await trainer.close()
})

test('an operation that ONNX Runtime does not know is an error that names the layer', async () => {
  const layer = signedSquare({ factor: 1, name: 'odd' })
  const forward: typeof layer.operator.forward = ({ graph, input }) => ({
    output: graph.node('Squirrel', [input]),
    saved: { magnitude: input },
  })
  const network = sequential(
    [dense({ outputs: 3 }), { ...layer, operator: { ...layer.operator, forward } }],
    row,
  )
  await expect(trainerOf(network)).rejects.toMatchObject({
    code: 'misuse',
    message: expect.stringMatching(/odd.*Squirrel|Squirrel.*odd/s) as string,
  })
})

test('an operator that forgets a gradient is an error that names layer and parameter', async () => {
  const layer = dense({ outputs: 3 })
  const backward: typeof layer.operator.backward = (pass) => {
    const { input, parameters } = layer.operator.backward(pass)
    return { input, parameters: { weight: parameters['weight'] ?? '' } }
  }
  const network = sequential([{ ...layer, operator: { ...layer.operator, backward } }], row)
  await expect(trainerOf(network)).rejects.toThrow(/dense1\.bias: the backward pass gives no gradient/)
})

test('planes may be flattened where they stand', () => {
  expect(sequential([flatten()], image).outputShape).toEqual([192])
})
