import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Tensor } from './handler.js'
import { batchable, concatTensors, splitTensors, tensorFromJson, tensorToJson } from './tensor-json.js'

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 })
const elementsOf = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1)
const float = fc.float({ noNaN: true, noDefaultInfinity: true })

const datatypes = [
  ['FP32', float],
  ['FP64', fc.double({ noNaN: true, noDefaultInfinity: true })],
  ['INT8', fc.integer({ min: -128, max: 127 })],
  ['UINT8', fc.nat(255)],
  ['INT16', fc.integer({ min: -32_768, max: 32_767 })],
  ['INT32', fc.integer()],
  ['UINT32', fc.nat(2 ** 31 - 1)],
  ['INT64', fc.maxSafeInteger()],
  ['UINT64', fc.maxSafeNat()],
  ['BYTES', fc.string()],
] as const satisfies readonly (readonly [string, fc.Arbitrary<number | string>])[]

test.each(datatypes)(
  'a tensor of %s is read and written unchanged, whatever its shape',
  (datatype, value) => {
    const tensor = shape.chain((sizes) => {
      const elements = elementsOf(sizes)
      const values: fc.Arbitrary<(number | string)[]> = fc.array<number | string>(value, {
        minLength: elements,
        maxLength: elements,
      })
      return values.map((data) => ({ name: 'x', datatype, shape: sizes, data }))
    })
    fc.assert(
      fc.property(tensor, (json) => {
        // -0 has no sign in JSON.
        const data = json.data.map((one) => (one === 0 ? 0 : one))
        expect(tensorToJson(tensorFromJson({ ...json, data }))).toEqual({ ...json, data })
      }),
    )
  },
)

test('nested data is read row by row', () => {
  const json = { name: 'x', datatype: 'INT32', shape: [2, 2], data: [[1, 2], [3, 4]] } // prettier-ignore
  expect(tensorFromJson(json).data).toEqual(Int32Array.of(1, 2, 3, 4))
})

test.each([
  [{ datatype: 'FLOAT' }, "input 'x': datatype must be one of FP32"],
  [{ shape: [-1] }, "input 'x': shape must be a list of whole numbers"],
  [{ shape: 'wide' }, "input 'x': shape must be a list of whole numbers"],
  [{ data: 3 }, "input 'x': data must be a list"],
  [{ data: [1, 2, 3] }, "input 'x': 3 values for the shape [2], which has 2"],
])('%o is refused with the name of the tensor and what does not fit', (change, text) => {
  const json = { name: 'x', datatype: 'FP32', shape: [2], data: [1, 2], ...change }
  expect(() => tensorFromJson(json)).toThrow(text)
})

test('requests that are joined are split into what each of them was', () => {
  const rows = fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
    .chain((lengths) =>
      fc.tuple(
        ...lengths.map((length) =>
          fc
            .array(float, { minLength: 2 * length, maxLength: 2 * length })
            .map((data): readonly Tensor[] => [
              { name: 'x', type: 'float32', shape: [length, 2], data: Float32Array.from(data) },
            ]),
        ),
      ),
    )
  fc.assert(
    fc.property(rows, (given) => {
      expect(splitTensors(concatTensors(given), given)).toEqual(given)
    }),
  )
})

test('only requests of one signature run together, and only where the model leaves the first dimension free', () => {
  const row = (sizes: number[]): readonly Tensor[] => [
    { name: 'x', type: 'float32', shape: sizes, data: new Float32Array(elementsOf(sizes)) },
  ]
  const slot = (first: number | string) => ({ name: 'x', type: 'float32' as const, shape: [first, 2] })
  const free = { inputs: [slot('n')], outputs: [slot('n')] }
  expect(batchable([row([1, 2]), row([3, 2])], free)).toBe(true)
  expect(batchable([row([1, 2]), row([1, 3])], free)).toBe(false)
  expect(batchable([row([1, 2]), row([1, 2])], { ...free, inputs: [slot(1)] })).toBe(false)
})
