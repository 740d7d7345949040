/** When a worker asks for more jobs ahead, and when for fewer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Credit } from './credit.js'

const after = (credit: Credit, times: readonly number[]) => times.map((ms) => credit.tookMs(ms))

test('a worker begins with one batch running and one ahead', () => {
  expect(new Credit(4).jobs).toBe(8)
})

test('a quick handler gets a millisecond of work ahead, and at most 31 batches', () => {
  const quick = new Credit(4)
  expect(quick.tookMs(0.1)).toBe(true)
  expect(quick.jobs).toBe(4 * 11)
  const quickest = new Credit(1)
  after(quickest, [0.001, 0.001])
  expect(quickest.jobs).toBe(32)
})

test('one slow batch takes all of it back at once, and quick ones bring it again by and by', () => {
  const credit = new Credit(1)
  after(credit, [0.01, 0.01])
  expect(credit.tookMs(500)).toBe(true)
  expect(credit.jobs).toBe(2)
  expect(after(credit, [0.01, 0.01, 0.01])).toEqual([false, false, false])
  after(credit, Array<number>(200).fill(0.01))
  expect(credit.jobs).toBeGreaterThan(16)
})

test('a batch that takes as long as the others changes nothing', () => {
  const credit = new Credit(2)
  expect(after(credit, [0.2, 0.21, 0.19, 0.22])).toEqual([true, false, false, false])
})

test('whatever the times, at least one batch is ahead and at most 31', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })),
      (size, times) => {
        const credit = new Credit(size)
        for (const ms of times) {
          credit.tookMs(ms)
          expect(credit.jobs).toBeGreaterThanOrEqual(2 * size)
          expect(credit.jobs).toBeLessThanOrEqual(32 * size)
        }
      },
    ),
  )
})
