/** The exported model: what stands in the file, and that it computes what the trained network does. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { decodeModel, type OnnxModel } from '../onnx/index.js'
import { arcFace, batchNorm, constant, conv, createTrainer, dense, flatten, l2Normalize } from './index.js'
import { maxPool, relu, sequential, sgd, type Layer, type NetworkInput, type Trainer } from './index.js'
import { createRandom } from './random.js'

const BATCH = 5
const INPUT: NetworkInput = { shape: [2, 11, 9], type: 'uint8', scale: 1 / 255, offset: -0.4 }
const size = INPUT.shape.reduce((product, side) => product * side, 1)

const layers = (): readonly Layer[] => [
  ...[conv({ filters: 4, kernel: 3, bias: false }), maxPool(2), batchNorm(), relu()],
  ...[conv({ filters: 3, kernel: 2, padding: 1 }), batchNorm(), relu()],
  ...[flatten(), dense({ outputs: 6, bias: false }), batchNorm(), l2Normalize()],
]

/** Some trained steps at a rate that moves the batch norms away from where they began. */
async function trained(rate: number): Promise<Trainer> {
  const trainer = await createTrainer({
    network: sequential(layers(), { input: INPUT }),
    loss: arcFace({ classes: 3 }),
    optimizer: sgd(),
    schedule: constant(rate),
    batch: BATCH,
    threads: 1,
  })
  for (let step = 0; step < 12; step++) await trainer.train(batchOf(step))
  return trainer
}

function batchOf(seed: number) {
  const random = createRandom(seed, 5)
  const data = Uint8Array.from({ length: BATCH * size }, () => random.below(256))
  return { data, labels: Uint8Array.from({ length: BATCH }, () => random.below(3)) }
}

async function run(model: Uint8Array, data: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 })
  const input = new Tensor('uint8', data, [data.length / size, ...INPUT.shape])
  const results = await session.run({ [session.inputNames[0] ?? '']: input })
  await session.release()
  return results[session.outputNames[0] ?? '']?.data as Float32Array
}

/** What the layers compute at inference, one after the other in plain loops and double precision. */
function reference(trainer: Trainer, bytes: Uint8Array): number[] {
  const { scale = 1, offset = 0 } = INPUT
  const valuesOf = (layer: string, name: string) => trainer.values(layer)[name] ?? new Float32Array()
  const image = planes(
    Array.from(bytes, (byte) => byte * scale + offset),
    INPUT.shape,
  )
  let maps = convolve(image, { weight: valuesOf('conv1', 'weight'), filters: 4, kernel: 3, padding: 0 })
  maps = normalized(pooled(maps), (name) => valuesOf('batchNorm1', name)).map(rectified)
  const conv2 = {
    weight: valuesOf('conv2', 'weight'),
    bias: valuesOf('conv2', 'bias'),
    filters: 3,
    kernel: 2,
    padding: 1,
  }
  maps = normalized(convolve(maps, conv2), (name) => valuesOf('batchNorm2', name)).map(rectified)
  const features = maps.flat(2)
  const weight = valuesOf('dense1', 'weight')
  const outputs = Array.from({ length: 6 }, (_, out) =>
    features.reduce((sum, value, at) => sum + value * (weight[out * features.length + at] ?? NaN), 0),
  )
  const last = normalized(
    outputs.map((value) => [[value]]),
    (name) => valuesOf('batchNorm3', name),
  ).flat(2)
  const length = Math.hypot(...last)
  return last.map((value) => value / length)
}

type Maps = number[][][]

function planes(values: number[], [channels = 0, height = 0, width = 0]: readonly number[]): Maps {
  return Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: height }, (__, row) => {
      const start = (channel * height + row) * width
      return values.slice(start, start + width)
    }),
  )
}

interface Convolution {
  readonly weight: Float32Array
  readonly bias?: Float32Array
  readonly filters: number
  readonly kernel: number
  readonly padding: number
}

function convolve(maps: Maps, { weight, bias, filters, kernel, padding }: Convolution): Maps {
  const side = (length: number) => length + 2 * padding - kernel + 1
  const [height, width] = [side(maps[0]?.length ?? 0), side(maps[0]?.[0]?.length ?? 0)]
  const at = (filter: number, row: number, column: number) => {
    let sum = bias?.[filter] ?? 0
    maps.forEach((map, channel) => {
      for (let i = 0; i < kernel; i++)
        for (let j = 0; j < kernel; j++)
          sum +=
            (map[row + i - padding]?.[column + j - padding] ?? 0) *
            (weight[((filter * maps.length + channel) * kernel + i) * kernel + j] ?? NaN)
    })
    return sum
  }
  return planes(
    Array.from({ length: filters * height * width }, (_, index) =>
      at(Math.floor(index / (height * width)), Math.floor(index / width) % height, index % width),
    ),
    [filters, height, width],
  )
}

const pooled = (maps: Maps): Maps =>
  maps.map((map) =>
    Array.from({ length: map.length >> 1 }, (_, row) =>
      Array.from({ length: (map[0]?.length ?? 0) >> 1 }, (__, column) =>
        Math.max(
          ...[0, 1].flatMap((i) => [0, 1].map((j) => map[2 * row + i]?.[2 * column + j] ?? -Infinity)),
        ),
      ),
    ),
  )

const normalized = (maps: Maps, value: (name: string) => Float32Array): Maps =>
  maps.map((map, channel) => {
    const [scale, shift, mean, variance] = ['scale', 'shift', 'mean', 'variance'].map(
      (name) => value(name)[channel] ?? NaN,
    ) as [number, number, number, number]
    return map.map((row) => row.map((x) => (scale * (x - mean)) / Math.sqrt(variance + 1e-5) + shift))
  })

const rectified = (map: number[][]) => map.map((row) => row.map((x) => Math.max(0, x)))

const opsOf = ({ nodes }: OnnxModel) => nodes.map(({ op }) => op)

test('it computes what the layers do, to 1e-5, for any number of rows', async () => {
  const trainer = await trained(0.01)
  const model = trainer.exportOnnx()
  for (const rows of [1, 3, 8]) {
    const random = createRandom(rows)
    const data = Uint8Array.from({ length: rows * size }, () => random.below(256))
    const found = await run(model, data)
    expect(found.length).toBe(rows * 6)
    for (let row = 0; row < rows; row++) {
      const expected = reference(trainer, data.subarray(row * size, (row + 1) * size))
      const own = Array.from(found.subarray(row * 6, (row + 1) * 6))
      expect(Math.max(...own.map((value, at) => Math.abs(value - (expected[at] ?? NaN))))).toBeLessThan(1e-5)
      expect(Math.abs(Math.hypot(...own) - 1)).toBeLessThan(1e-5)
    }
  }
  await trainer.close()
})

test('opset 17, preprocessing and length inside, a free batch size, names and metadata as asked', async () => {
  const trainer = await trained(0.01)
  const metadata = { trained: 'here' }
  const model = decodeModel(
    trainer.exportOnnx({ name: 'net', input: 'image', output: 'embedding', metadata }),
  )
  expect(model).toMatchObject({ name: 'net', opset: 17, metadata })
  expect(model.inputs).toEqual([{ name: 'image', type: 'uint8', shape: ['batch', 2, 11, 9] }])
  expect(model.outputs).toEqual([{ name: 'embedding', type: 'float32', shape: ['batch', 6] }])
  expect(opsOf(model).slice(0, 3)).toEqual(['Cast', 'Mul', 'Add'])
  expect(opsOf(model).slice(-2)).toEqual(['LpNormalization', 'Identity'])
  await trainer.close()
})

test('batch norms are folded into the layers before them, through a pool too', async () => {
  const trainer = await trained(0.01)
  const expected = ['Conv', 'MaxPool', 'Relu', 'Conv', 'Relu', 'Reshape', 'Gemm']
  expect(opsOf(decodeModel(trainer.exportOnnx())).slice(3, -2)).toEqual(expected)
  await trainer.close()
})

test('a batch norm that turns the order round stays behind its pool', async () => {
  const trainer = await createTrainer({
    network: sequential(layers(), { input: INPUT }),
    loss: arcFace({ classes: 3 }),
    optimizer: sgd(),
    schedule: constant(0.01),
    batch: BATCH,
    threads: 1,
  })
  const { scale = new Float32Array() } = trainer.values('batchNorm1')
  scale[1] = -0.7
  const model = trainer.exportOnnx()
  expect(opsOf(decodeModel(model)).slice(3, 8)).toEqual(['Conv', 'MaxPool', 'Mul', 'Add', 'Relu'])
  const { data } = batchOf(3)
  const found = await run(model, data)
  const expected = reference(trainer, data.subarray(0, size))
  expected.forEach((value, at) => expect(Math.abs(value - (found[at] ?? NaN))).toBeLessThan(1e-5))
  await trainer.close()
})
