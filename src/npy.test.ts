/** `.npy` files: what is written comes back, numpy's own files are read, and others are refused by name. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { encodeNpyHeader, readNpy, readNpyHeader, readNpyRows, writeNpy, type NpyArray } from './npy.js'

const fixtures = join(import.meta.dirname, '../test/fixtures/npy')
const folder = mkdtempSync(join(tmpdir(), 'marina-npy-'))
const file = join(folder, 'array.npy')
afterAll(() => rmSync(folder, { recursive: true }))

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)

const arrays: fc.Arbitrary<NpyArray> = fc
  .array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 })
  .chain((shape): fc.Arbitrary<NpyArray> => {
    const length = { minLength: sizeOf(shape), maxLength: sizeOf(shape) }
    return fc.oneof(
      fc.uint8Array(length).map((data): NpyArray => ({ dtype: 'u1', shape, data })),
      fc.int32Array(length).map((data): NpyArray => ({ dtype: 'i4', shape, data })),
      fc.bigInt64Array(length).map((data): NpyArray => ({ dtype: 'i8', shape, data })),
      fc.float32Array(length).map((data): NpyArray => ({ dtype: 'f4', shape, data })),
      fc.float64Array(length).map((data): NpyArray => ({ dtype: 'f8', shape, data })),
    )
  })

test('whatever is written comes back, whole and by rows', async () => {
  await fc.assert(
    fc.asyncProperty(arrays, fc.nat(), fc.nat(), async (array, a, b) => {
      await writeNpy(file, array)
      expect(await readNpy(file)).toEqual(array)
      expect(await readNpyHeader(file)).toEqual({ dtype: array.dtype, shape: array.shape })
      const [count, ...row] = array.shape
      if (count === undefined) return
      const first = a % (count + 1)
      const rows = b % (count - first + 1)
      const part = await readNpyRows(file, { first, rows })
      expect(part.shape).toEqual([rows, ...row])
      expect(part.data).toEqual(array.data.slice(first * sizeOf(row), (first + rows) * sizeOf(row)))
    }),
    { numRuns: 150 },
  )
  expect(readdirSync(folder)).toEqual(['array.npy'])
})

test.each([
  ['u1', 1],
  ['i4', 1],
  ['i8', 1],
  ['f4', 0.5],
  ['f8', 0.5],
])('a file of numpy with elements %s is read', async (dtype, step) => {
  const { data, ...head } = await readNpy(join(fixtures, `${dtype}.npy`))
  expect(head).toEqual({ dtype, shape: [2, 3, 4] })
  expect(Array.from(data, Number)).toEqual(Array.from({ length: 24 }, (_, at) => at * step))
})

test.each([
  ['empty.npy', 'f4', [0, 5], []],
  ['one.npy', 'i8', [3], [0, 1, 2]],
  ['scalar.npy', 'f8', [], [2.5]],
  ['version-2.npy', 'i4', [4], [0, 1, 2, 3]],
])('numpy’s %s is read', async (name, dtype, shape, values) => {
  const { data, ...head } = await readNpy(join(fixtures, name))
  expect(head).toEqual({ dtype, shape })
  expect(Array.from(data, Number)).toEqual(values)
})

test.each(['u1', 'i4', 'i8', 'f4', 'f8', 'empty', 'one'])(
  'what is written is byte for byte what numpy writes: %s',
  async (name) => {
    const path = join(fixtures, `${name}.npy`)
    await writeNpy(file, await readNpy(path))
    expect(readFileSync(file).equals(readFileSync(path))).toBe(true)
  },
)

test.each([
  ['fortran.npy', /Fortran order.*ascontiguousarray/],
  ['big-endian.npy', /elements of type '>f4'; u1, i4, i8, f4, f8 can be read/],
  ['complex.npy', /elements of type '<c8'/],
  ['make.py', /no \.npy file/],
  ['absent.npy', /cannot be opened/],
])('%s is refused, by its name and with the reason', async (name, why) => {
  const reading = readNpy(join(fixtures, name))
  await expect(reading).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(why) as string,
  })
  await expect(reading).rejects.toThrow(name)
})

test('a file that was cut short anywhere is refused before its data is read', async () => {
  const whole = readFileSync(join(fixtures, 'i4.npy'))
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file, whole.subarray(0, length))
    await expect(readNpyHeader(file), `${length} bytes`).rejects.toMatchObject({ code: 'invalid-file' })
  }
})

test.each([
  [
    'of a size that nothing can hold',
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999, 99999999), }",
    /cut short/,
  ],
  ['without a shape', "{'descr': '<f8', 'fortran_order': False, }", /without descr, fortran_order or shape/],
  ['of negative size', "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }", /without descr/],
])('a header %s is refused', async (_, text, why) => {
  const head = Buffer.from(encodeNpyHeader({ dtype: 'f8', shape: [3] }))
  writeFileSync(
    file,
    Buffer.concat([head.subarray(0, 10), Buffer.from(text.padEnd(head.length - 11)), Buffer.from('\n')]),
  )
  await expect(readNpy(file)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(why) as string,
  })
})

test('a header that was damaged anywhere is refused or read, never a crash', async () => {
  const whole = readFileSync(join(fixtures, 'f4.npy'))
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 127 }), fc.nat({ max: 255 }), async (at, byte) => {
      const damaged = Buffer.from(whole)
      damaged[at] = byte
      writeFileSync(file, damaged)
      const found = await readNpy(file).catch((error: unknown) => error)
      if (found instanceof Error) expect(found).toMatchObject({ code: 'invalid-file' })
    }),
    { numRuns: 200 },
  )
})

test('rows that are not there, and elements that make no such array, are refused', async () => {
  const path = join(fixtures, 'u1.npy')
  for (const range of [
    { first: 1, rows: 2 },
    { first: -1, rows: 1 },
    { first: 0.5, rows: 1 },
  ])
    await expect(readNpyRows(path, range)).rejects.toMatchObject({ code: 'invalid-shape' })
  const wrong = writeNpy(file, { dtype: 'f4', shape: [2, 2], data: new Float32Array(3) })
  await expect(wrong).rejects.toThrow(/3 elements do not make a f4 array of \[2, 2\]/)
})

test('a file that cannot be written is an error that names it, and leaves nothing', async () => {
  const nowhere = join(folder, 'absent', 'array.npy')
  const writing = writeNpy(nowhere, { dtype: 'u1', shape: [1], data: Uint8Array.of(1) })
  await expect(writing).rejects.toThrow(nowhere)
  expect(readdirSync(folder)).toEqual(['array.npy'])
})
