/** The exact index: the suite of every index, and what only this one promises. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bruteForceIndex } from '../../test/vector/brute-force.js'
import { indexSuite } from '../../test/vector/index-suite.js'
import { buildIndex } from './store.js'

indexSuite({ name: 'the exact index', exact: true, create: (input) => buildIndex(input, { threads: 1 }) })
indexSuite({
  name: 'the brute-force reference',
  exact: true,
  create: (input) => Promise.resolve(bruteForceIndex(input)),
})

/** Repeatable numbers, evenly spread over -1…1. */
function spread(length: number, seed = 1): Float32Array {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

const rowsOf = (answers: readonly (readonly { row: number }[])[]) =>
  answers.map((neighbours) => neighbours.map(({ row }) => row))

describe('the exact index', () => {
  test('proves by full measure what single precision cannot tell apart', async () => {
    // 2,000 vectors far from the origin that differ by less than the rounding of their scores.
    const dimension = 8
    const vectors = spread(2000 * dimension).map((x) => 1000 + x * 2 ** -12)
    const query = new Float32Array(dimension).fill(1000)
    const exact = await buildIndex({ metric: 'l2', vectors, dimension }, { threads: 1 })
    const reference = bruteForceIndex({ metric: 'l2', vectors, dimension })
    expect(rowsOf(await exact.search(query, 5))).toEqual(rowsOf(await reference.search(query, 5)))
    await exact.close()
  })

  test('answers the lowest rows first when a thousand vectors are the same', async () => {
    const index = await buildIndex({ metric: 'l2', vectors: new Float32Array(4000), dimension: 4 })
    expect(rowsOf(await index.search(Float32Array.of(1, 2, 3, 4), 3))).toEqual([[0, 1, 2]])
    await index.close()
  })

  test('measures vectors whose scores overflow single precision', async () => {
    const vectors = new Float32Array(400).map((_, i) => (i % 2 ? 3e38 : -3e38 + i * 1e36))
    const index = await buildIndex({ metric: 'l2', vectors, dimension: 2 })
    const reference = bruteForceIndex({ metric: 'l2', vectors, dimension: 2 })
    const queries = Float32Array.of(1e38, 2e38, -3e38, 3e38)
    expect(await index.search(queries, 7)).toEqual(await reference.search(queries, 7))
    await index.close()
  })

  test('answers a batch, larger than one run, as it answers each query', async () => {
    const dimension = 3
    const input = { metric: 'ip', vectors: spread(30_000 * dimension), dimension } as const
    const index = await buildIndex(input, { threads: 2 })
    const queries = spread(300 * dimension, 9)
    const batch = await index.search(queries, 4)
    expect(batch).toHaveLength(300)
    for (const i of [0, 1, 208, 209, 210, 299])
      expect((await index.search(queries.subarray(i * dimension, (i + 1) * dimension), 4))[0]).toEqual(
        batch[i],
      )
    await index.close()
  })

  test('answers alike with one thread and with two', async () => {
    const input = { metric: 'l2', vectors: spread(3000 * 32), dimension: 32 } as const
    const [one, two] = [await buildIndex(input, { threads: 1 }), await buildIndex(input, { threads: 2 })]
    const queries = spread(20 * 32, 5)
    expect(await two.search(queries, 10)).toEqual(await one.search(queries, 10))
    await Promise.all([one.close(), two.close()])
  })

  test.runIf(process.platform === 'linux')(
    'ends its session, threads and all, when it is closed',
    async () => {
      // The resident size tells nothing here: glibc keeps freed blocks of this size as it pleases.
      const threads = () => readdirSync('/proc/self/task').length
      const vectors = spread(2000 * 64)
      const once = async () => {
        const index = await buildIndex({ metric: 'l2', vectors, dimension: 64 }, { threads: 3 })
        await index.search(vectors.subarray(0, 64), 1)
        const during = threads()
        await index.close()
        return during
      }
      await once()
      const before = threads()
      for (let i = 0; i < 5; i++) expect(await once()).toBe(before + 2)
      expect(threads()).toBe(before)
    },
  )

  test('refuses vectors, labels, ids and hashes that do not fit', async () => {
    const vectors = Float32Array.of(1, 2, 3, 4)
    const refused = (input: object) =>
      expect(buildIndex({ metric: 'l2', vectors, dimension: 2, ...input })).rejects
    await refused({ dimension: 3 }).toMatchObject({
      code: 'invalid-shape',
      message: expect.stringMatching(/cut short/) as string,
    })
    await refused({ dimension: 0 }).toMatchObject({
      code: 'invalid-shape',
      message: expect.stringMatching(/dimension/) as string,
    })
    await refused({ labels: ['a'] }).toMatchObject({
      code: 'invalid-shape',
      message: expect.stringMatching(/1 labels for 2/) as string,
    })
    await refused({ ids: BigInt64Array.of(1n) }).toMatchObject({ code: 'invalid-shape' })
    await refused({ ids: BigInt64Array.of(4n, -1n) }).toMatchObject({
      message: expect.stringMatching(/row 1 is -1/) as string,
    })
    await refused({ ids: BigInt64Array.of(4n, 4n) }).toMatchObject({
      message: expect.stringMatching(/id 4 .* row 0 .* row 1/) as string,
    })
    await refused({ modelHash: 'v1' }).toMatchObject({ code: 'misuse' })
    await refused({ vectors: new Float32Array(2 ** 29) }).toMatchObject({
      code: 'invalid-shape',
      message: expect.stringMatching(/split them/) as string,
    })
    await refused({ vectors: Float32Array.of(1, 2, 3, NaN) }).toMatchObject({
      code: 'invalid-shape',
      message: expect.stringMatching(/vector 1 holds NaN \(at position 1\)/) as string,
    })
    await expect(buildIndex({ metric: 'l2', vectors, dimension: 2 }, { threads: 0 })).rejects.toMatchObject({
      code: 'misuse',
    })
  })
})
