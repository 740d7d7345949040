/** Files that faiss 1.7.3 wrote (test/fixtures/vector/make.py), files that we write, and damaged ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { MarinaError } from '../errors.js'
import { readFaiss, writeFaiss, type FaissContents } from './faiss-file.js'
import type { Metric } from './neighbours.js'

const fixtures = fileURLToPath(new URL('../../test/fixtures/vector/', import.meta.url))
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  count: number
  dimension: number
  vectors: number[]
  ids: number[]
}
const folder = mkdtempSync(join(tmpdir(), 'marina-vector-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fileOf = (bytes: Uint8Array, name = 'index.faiss') => {
  const file = join(folder, name)
  writeFileSync(file, bytes)
  return file
}

async function written(contents: FaissContents): Promise<string> {
  const file = join(folder, 'written.faiss')
  const handle = await open(file, 'w')
  await writeFaiss(handle, contents)
  await handle.close()
  return file
}

describe('a faiss file', () => {
  test.each<[string, Metric, boolean]>([
    ['flat-l2.faiss', 'l2', false],
    ['flat-ip.faiss', 'ip', false],
    ['idmap-l2.faiss', 'l2', true],
    ['idmap2-ip.faiss', 'ip', true],
  ])('%s is read as faiss wrote it', async (name, metric, mapped) => {
    const { contents } = await readFaiss(join(fixtures, name))
    expect(contents).toEqual({
      metric,
      dimension: expected.dimension,
      count: expected.count,
      vectors: Float32Array.from(expected.vectors),
      ids: mapped ? BigInt64Array.from(expected.ids, BigInt) : undefined,
    })
  })

  test.each(['flat-l2.faiss', 'flat-ip.faiss', 'idmap-l2.faiss', 'empty-l2.faiss'])(
    '%s is written again byte for byte',
    async (name) => {
      const { contents } = await readFaiss(join(fixtures, name))
      expect(readFileSync(await written(contents))).toEqual(readFileSync(join(fixtures, name)))
    },
  )

  test.each([
    ['other-hnsw.faiss', /IndexHNSWFlat/],
    ['other-idmap-of-hnsw.faiss', /IndexHNSWFlat/],
    ['other-l1.faiss', /metric 2/],
    ['make.py', /no faiss index/],
    ['not-there.faiss', /cannot be read/],
  ])('%s is refused by name', async (name, message) => {
    await expect(readFaiss(join(fixtures, name))).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(message) as string,
    })
  })

  test('comes back as it was written, whatever its shape', async () => {
    const contents = fc
      .record({
        dimension: fc.integer({ min: 1, max: 40 }),
        count: fc.nat(30),
        metric: fc.constantFrom<Metric>('l2', 'ip'),
        mapped: fc.boolean(),
      })
      .chain(({ dimension, count, metric, mapped }) => {
        const size = { minLength: dimension * count, maxLength: dimension * count }
        return fc.record<FaissContents>({
          metric: fc.constant(metric),
          dimension: fc.constant(dimension),
          count: fc.constant(count),
          vectors: fc.float32Array(size),
          ids: mapped ? fc.bigInt64Array({ minLength: count, maxLength: count }) : fc.constant(undefined),
        })
      })
    await fc.assert(
      fc.asyncProperty(contents, async (one) => {
        expect((await readFaiss(await written(one))).contents).toEqual(one)
      }),
    )
  })

  test.each(['flat-l2.faiss', 'idmap-l2.faiss'])('%s cut short anywhere is refused', async (name) => {
    const whole = readFileSync(join(fixtures, name))
    for (let length = 0; length < whole.length; length += length < 100 ? 1 : 53)
      await expect(readFaiss(fileOf(whole.subarray(0, length)))).rejects.toMatchObject({
        code: 'invalid-file',
        message: expect.stringMatching(/truncated/) as string,
      })
  })

  test('that is longer than it says is refused', async () => {
    const whole = readFileSync(join(fixtures, 'flat-l2.faiss'))
    await expect(readFaiss(fileOf(Buffer.concat([whole, Buffer.alloc(3)])))).rejects.toMatchObject({
      message: expect.stringMatching(/3 bytes after its end/) as string,
    })
  })

  test('whose head was damaged is refused or read, never a crash or a huge allocation', async () => {
    const whole = readFileSync(join(fixtures, 'idmap-l2.faiss'))
    const damage = fc.array(fc.tuple(fc.nat(81), fc.nat(255)), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(damage, async (bytes) => {
        const broken = Buffer.from(whole)
        for (const [at, value] of bytes) broken[at] = value
        const read = await readFaiss(fileOf(broken)).catch((error: unknown) => error)
        if (read instanceof Error) expect(read).toBeInstanceOf(MarinaError)
        else expect(read).toMatchObject({ contents: { count: 40, dimension: 6 } })
      }),
      { numRuns: 300 },
    )
  })

  test('whose id map counts other ids than vectors is refused', async () => {
    const broken = readFileSync(join(fixtures, 'idmap-l2.faiss'))
    broken.writeUInt32LE(39, broken.length - 40 * 8 - 8)
    await expect(readFaiss(fileOf(broken))).rejects.toMatchObject({
      message: expect.stringMatching(/39 ids for 40 vectors/) as string,
    })
  })
})
