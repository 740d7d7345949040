/** What every implementation of `Index` does: each runs this suite with a factory of its own. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IndexInput } from '../../src/vector/contents.js'
import type { Index, Metric, Neighbour } from '../../src/vector/neighbours.js'
import { distancesTo, magnitudeOf } from './brute-force.js'

/** An implementation and what it promises. */
export interface Implementation {
  readonly name: string
  readonly create: (input: IndexInput) => Promise<Index>
  /** Approximate indexes may miss neighbours: only their distances and order are checked. */
  readonly exact: boolean
}

const hash = 'ab'.repeat(32)
const square: IndexInput = {
  metric: 'l2',
  dimension: 2,
  vectors: Float32Array.of(0, 0, 1, 0, 1, 0, 3, 4),
  labels: ['origin', 'east', 'east', 'far'],
  ids: BigInt64Array.of(10n, 11n, 12n, 9_000_000_000_000_000_000n),
  modelHash: hash,
}

/** Numbers of many sizes, with enough repeats that ties and duplicates are common. */
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 1e-3),
  fc.float({ noNaN: true, min: -1000, max: 1000 }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
)

const cases = fc
  .record({
    metric: fc.constantFrom<Metric>('l2', 'ip'),
    dimension: fc.integer({ min: 1, max: 19 }),
    count: fc.integer({ min: 1, max: 60 }),
    queries: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ metric, dimension, count, queries }) => {
    const vectors = (rows: number) =>
      fc
        .array(number, { minLength: rows * dimension, maxLength: rows * dimension })
        .map((values) => Float32Array.from(values))
    const k = fc.integer({ min: 1, max: count })
    return fc.record({
      input: vectors(count).map((values): IndexInput => ({ metric, dimension, vectors: values })),
      queries: vectors(queries),
      k,
    })
  })

/** Runs the suite. */
export function indexSuite({ name, create, exact }: Implementation): void {
  const using = async <T>(input: IndexInput, use: (index: Index) => Promise<T>): Promise<T> => {
    const index = await create(input)
    try {
      return await use(index)
    } finally {
      await index.close()
    }
  }

  describe(`${name}, as every index`, () => {
    test('answers row, id, label and distance, nearest first', async () => {
      const [near, far] = await using(square, (index) => index.search(Float32Array.of(1, 0, 3, 4), 2))
      expect(near).toEqual([
        { row: 1, id: 11n, label: 'east', dist: 0 },
        { row: 2, id: 12n, label: 'east', dist: 0 },
      ])
      expect(far?.[0]).toEqual({ row: 3, id: 9_000_000_000_000_000_000n, label: 'far', dist: 0 })
    })

    test('takes the row as id, and no label, when it was given none', async () => {
      const { metric, dimension, vectors } = square
      const [found] = await using({ metric, dimension, vectors }, (index) =>
        index.search(Float32Array.of(3, 4), 1),
      )
      expect(found).toEqual([{ row: 3, id: 3n, label: undefined, dist: 0 }])
    })

    test('says what it is', async () => {
      await using(square, (index) => {
        expect(index.info).toMatchObject({ metric: 'l2', dimension: 2, count: 4, modelHash: hash })
        return Promise.resolve()
      })
    })

    test('takes the largest inner product for the nearest', async () => {
      const [found] = await using({ ...square, metric: 'ip' }, (index) =>
        index.search(Float32Array.of(1, 1), 4),
      )
      expect(found?.map(({ row, dist }) => [row, dist])).toEqual([
        [3, 7],
        [1, 1],
        [2, 1],
        [0, 0],
      ])
    })

    test('lends the stored vector of a row', async () => {
      await using(square, (index) => {
        expect(index.vector(3)).toEqual(Float32Array.of(3, 4))
        expect(() => index.vector(4)).toThrow(expect.objectContaining({ code: 'invalid-shape' }))
        expect(() => index.vector(-1)).toThrow(expect.objectContaining({ code: 'invalid-shape' }))
        return Promise.resolve()
      })
    })

    test('takes views into larger arrays for what they show', async () => {
      const { vectors, ids = new BigInt64Array() } = square
      const within = Float32Array.of(9, 9, 9, ...vectors, 9)
      const view = within.subarray(3, 3 + vectors.length)
      const someIds = BigInt64Array.of(99n, ...ids).subarray(1)
      const [found] = await using({ ...square, vectors: view, ids: someIds }, (index) =>
        index.search(Float32Array.of(9, 3, 4).subarray(1), 2),
      )
      expect(found?.map(({ row, id, dist }) => [row, id, dist])).toEqual([
        [3, ids[3], 0],
        [1, ids[1], 20],
      ])
    })

    test('answers no queries with no answers', async () => {
      expect(await using(square, (index) => index.search(new Float32Array(0), 1))).toEqual([])
    })

    test.each([0, 5, 1.5, NaN])('refuses k = %s of four vectors', async (k) => {
      const searched = using(square, (index) => index.search(Float32Array.of(1, 0), k))
      await expect(searched).rejects.toMatchObject({
        code: 'invalid-shape',
        message: expect.stringMatching(/from 1 to 4/) as string,
      })
    })

    test('refuses queries of another dimension', async () => {
      const searched = using(square, (index) => index.search(Float32Array.of(1, 0, 2), 1))
      await expect(searched).rejects.toMatchObject({
        code: 'invalid-shape',
        message: expect.stringMatching(/dimension/) as string,
      })
    })

    test.each([NaN, Infinity])('names the query that holds %s', async (value) => {
      const searched = using(square, (index) => index.search(Float32Array.of(1, 0, 2, value), 1))
      await expect(searched).rejects.toMatchObject({
        code: 'invalid-shape',
        message: expect.stringMatching(/query 1 holds/) as string,
      })
    })

    test('answers a search that was begun before it was closed, and none after', async () => {
      const index = await create(square)
      const begun = index.search(Float32Array.of(1, 0), 1)
      await Promise.all([index.close(), index.close()])
      expect((await begun)[0]?.[0]?.row).toBe(1)
      await expect(index.search(Float32Array.of(1, 0), 1)).rejects.toMatchObject({ code: 'misuse' })
    })

    test('finds what measuring everything in double precision finds', async () => {
      await fc.assert(
        fc.asyncProperty(cases, async ({ input, queries, k }) => {
          const found = await using(input, (index) => index.search(queries, k))
          found.forEach((neighbours, i) => {
            const query = queries.subarray(i * input.dimension, (i + 1) * input.dimension)
            expectNearest(neighbours, { query, input, k, exact })
          })
        }),
        { numRuns: 150 },
      )
    })
  })
}

/** Sums in another order differ in their last bits, so two rows may change places when their distances differ by no more. */
function expectNearest(
  neighbours: readonly Neighbour[],
  { query, input, k, exact }: { query: Float32Array; input: IndexInput; k: number; exact: boolean },
): void {
  const near = input.metric === 'l2' ? 1 : -1
  const dists = distancesTo(query, input)
  const tolerance = 1e-13 * magnitudeOf(query, input)
  expect(neighbours).toHaveLength(k)
  expect(new Set(neighbours.map(({ row }) => row)).size).toBe(k)
  const best = dists.toSorted((a, b) => near * (a - b))
  neighbours.forEach(({ row, dist }, i) => {
    expect(Math.abs(dist - dists[row]!)).toBeLessThanOrEqual(tolerance)
    if (exact) expect(Math.abs(dist - best[i]!)).toBeLessThanOrEqual(tolerance)
    const next = neighbours[i + 1]
    if (next) expect(near * (next.dist - dist)).toBeGreaterThanOrEqual(0)
    if (next && next.dist === dist) expect(next.row).toBeGreaterThan(row)
  })
}
