/** Exact ranking, and the bound on which its proof rests. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkInput } from './contents.js'
import type { Metric } from './neighbours.js'
import { isProven, rank, scoreError } from './rank.js'

const contents = checkInput({ metric: 'l2', dimension: 1, vectors: Float32Array.of(5, 1, 3, 1, 0) })
const query = { values: Float32Array.of(9, 1), at: 1, norm: 1 }

test('ranks all rows by distance, and by row where they are equally far', () => {
  const { rows, dists } = rank(contents, query, { k: 4 })
  expect([...rows]).toEqual([1, 3, 4, 2])
  expect([...dists]).toEqual([0, 0, 1, 4])
})

test('ranks only the candidates, in whatever order they come', () => {
  const candidates = Uint32Array.of(3, 0, 2, 1)
  expect([...rank(contents, query, { k: 3, candidates }).rows]).toEqual([1, 3, 2])
})

test('has no negative zero among inner products', () => {
  const flat = checkInput({ metric: 'ip', dimension: 1, vectors: Float32Array.of(0) })
  expect(Object.is(rank(flat, query, { k: 1 }).dists[0], 0)).toBe(true)
})

test('bounds the error of a score that is summed in single precision', () => {
  const float = fc.float({ min: -1000, max: 1000, noNaN: true })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(float, float), { minLength: 1, maxLength: 200 }),
      fc.constantFrom<Metric>('l2', 'ip'),
      (pairs, metric) => {
        const [x, q] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
        const norm = (values: number[]) => Math.hypot(...values)
        const half = metric === 'l2' ? norm(x) ** 2 / 2 : 0
        const single = pairs.reduce((sum, [a, b]) => Math.fround(sum + Math.fround(a * b)), 0)
        const score = Math.fround(single - Math.fround(half))
        const truth = pairs.reduce((sum, [a, b]) => sum + a * b, 0) - half
        const error = scoreError({ metric, dimension: x.length, longest: norm(x) }, norm(q))
        expect(Math.abs(score - truth)).toBeLessThanOrEqual(error ?? 0)
      },
    ),
  )
})

test('gives no bound where single precision overflows', () => {
  expect(scoreError({ metric: 'ip', dimension: 1, longest: 1e30 }, 1e10)).toBeUndefined()
})

test('proves a ranking only when the next row must be farther', () => {
  const ranking = { rows: Uint32Array.of(1), dists: Float64Array.of(2) }
  const proof = { dimension: 4, norm: 3, error: 0.1 }
  // |q|² - 2·score is the distance: a score of 3.5 is a distance of 2, and 3.3 one of 2.4.
  expect(isProven(ranking, { ...proof, metric: 'l2', worstScore: 3.5 })).toBe(false)
  expect(isProven(ranking, { ...proof, metric: 'l2', worstScore: 3.41 })).toBe(false)
  expect(isProven(ranking, { ...proof, metric: 'l2', worstScore: 3.3 })).toBe(true)
  expect(isProven(ranking, { ...proof, metric: 'ip', worstScore: 1.95 })).toBe(false)
  expect(isProven(ranking, { ...proof, metric: 'ip', worstScore: 1.85 })).toBe(true)
})
