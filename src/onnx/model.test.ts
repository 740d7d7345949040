/** ONNX files as data: what is written comes back, ONNX Runtime takes it, and damage is an error. */
import fc from 'fast-check'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { bytesOf, decodeModel, elementTypes, encodeModel, GraphBuilder } from './index.js'
import type { ElementType, OnnxAttribute, OnnxModel } from './index.js'

const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
const type = fc.constantFrom(...(Object.keys(elementTypes) as ElementType[]))
const size = fc.integer({ min: 0, max: 2 ** 40 })
const float = fc.float({ noNaN: true })
const whole = fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n })
const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.string(),
  float,
  whole,
  fc.array(float, { minLength: 1 }),
  fc.array(whole, { minLength: 1 }),
)
const value = fc.record({
  name,
  type,
  shape: fc.array(fc.oneof(fc.integer({ min: 1, max: 2 ** 40 }), name), { maxLength: 4 }),
})
const model: fc.Arbitrary<OnnxModel> = fc.record({
  name: fc.string(),
  opset: fc.integer({ min: 1, max: 30 }),
  nodes: fc.array(
    fc.record({
      op: name,
      inputs: fc.array(fc.string()),
      outputs: fc.array(name),
      attributes: fc.dictionary(name, attribute, { noNullPrototype: true }),
      domain: fc.constantFrom('', 'com.example'),
    }),
    { maxLength: 4 },
  ),
  initializers: fc.array(
    fc.record({
      name,
      type,
      shape: fc.array(size, { maxLength: 3 }),
      data: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 3 },
  ),
  inputs: fc.array(value, { maxLength: 3 }),
  outputs: fc.array(value, { maxLength: 3 }),
  metadata: fc.dictionary(name, fc.string(), { noNullPrototype: true }),
})

/** Buffers and arrays of bytes are the same content. */
const plain = (found: OnnxModel) => ({
  ...found,
  initializers: found.initializers.map((tensor) => ({ ...tensor, data: Array.from(tensor.data) })),
})

test('whatever is encoded comes back as it was', () => {
  fc.assert(
    fc.property(model, (given) => {
      expect(plain(decodeModel(encodeModel(given)))).toEqual(plain(given))
    }),
    { numRuns: 300 },
  )
})

test('bytes that are no model, or a model cut short, are an error and never a crash', () => {
  const refusal = /no ONNX model/
  expect(() => decodeModel(Buffer.from('PK\x03\x04 a zip file'))).toThrow(refusal)
  expect(() => decodeModel(new Uint8Array())).toThrow(refusal)
  const whole = encodeModel(sum())
  let refused = 0
  for (let length = 0; length < whole.length; length++) {
    try {
      decodeModel(whole.subarray(0, length))
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-file' })
      refused++
    }
  }
  // A protobuf message may end between two fields; everywhere else the end is an error.
  expect(refused).toBeGreaterThan(whole.length / 2)
})

test('bytes at random are refused or read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeModel(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid-file' })
      }
    }),
  )
})

function sum(): OnnxModel {
  const shape = ['batch', 2] as const
  return {
    name: 'sum',
    opset: 17,
    nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'], attributes: {}, domain: '' }],
    initializers: [{ name: 'one', type: 'float32', shape: [1], data: bytesOf(Float32Array.of(1)) }],
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: 'y', type: 'float32', shape }],
    metadata: { author: 'a test' },
  }
}

test('ONNX Runtime loads what is written, and sees the same inputs and outputs', async () => {
  const session = await InferenceSession.create(encodeModel(sum()))
  expect(session.inputMetadata).toEqual([{ name: 'x', isTensor: true, type: 'float32', shape: ['batch', 2] }])
  expect(session.outputNames).toEqual(['y'])
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2]) })
  expect(Array.from(y?.data as Float32Array)).toEqual([2, 3, 4, 5])
  await session.release()
})

test('the builder names values, stores equal constants once, and writes opset 17', () => {
  const graph = new GraphBuilder()
  const x = graph.input({ name: 'x', type: 'float32', shape: [4] })
  graph.within('layer')
  const doubled = graph.node('Mul', [x, graph.scalar(2)])
  const again = graph.node('Mul', [doubled, graph.scalar(2)])
  const [left = '', right = ''] = graph.nodes('Split', [again, graph.integers([1, 3])], {
    outputs: 2,
    attributes: { axis: 0n },
  })
  graph.output(left, { name: 'left', type: 'float32', shape: [1] })
  graph.output(right, { name: 'right', type: 'float32', shape: [3] })
  const found = decodeModel(graph.encode('pair', { key: 'value' }))
  expect(found).toMatchObject({ name: 'pair', opset: 17, metadata: { key: 'value' } })
  expect(found.initializers.map(({ type: kind, shape }) => [kind, shape])).toEqual([
    ['float32', []],
    ['int64', [2]],
  ])
  expect(found.nodes.map(({ op }) => op)).toEqual(['Mul', 'Mul', 'Split', 'Identity', 'Identity'])
  expect(found.nodes.slice(0, 3).flatMap(({ outputs }) => outputs)).toEqual([doubled, again, left, right])
  expect(doubled).toMatch(/^layer\/Mul_/)
  expect(found.nodes[2]?.attributes).toEqual({ axis: 0n })
})
