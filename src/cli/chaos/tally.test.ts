/** The bookkeeping of a load under faults: a request that is not answered is lost, whatever became of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countEnded, countSent, emptyTally, lostOf, sumOf, type Ended } from './tally.js'

const answered = { kind: 'answered', tookMs: 5, atMs: 100 } as const
const failed = (why: string) => ({ kind: 'failed', why, tookMs: 5, atMs: 100 }) as const

test('a request that has not ended counts as lost', () => {
  const tally = countEnded(countSent(countSent(emptyTally)), answered)
  expect(tally).toMatchObject({ sent: 2, answered: 1, failed: {} })
  expect(lostOf(tally)).toBe(1)
})

test('failures are counted by their reason', () => {
  const ends = [failed('ECONNRESET'), failed('503 busy'), failed('ECONNRESET')]
  const tally = ends.reduce((sum, end) => countEnded(countSent(sum), end), emptyTally)
  expect(tally.failed).toEqual({ ECONNRESET: 2, '503 busy': 1 })
  expect(lostOf(tally)).toBe(3)
})

test('the longest stall is that of the slowest request, a failed one included', () => {
  const slow = countEnded(countSent(emptyTally), { ...failed('ECONNRESET'), tookMs: 900 })
  expect(countEnded(countSent(slow), { ...answered, tookMs: 20, atMs: 200 })).toMatchObject({
    longestStallMs: 900,
    stalledAtMs: 100,
  })
})

test('the sum of tallies is the tally of all their requests, in whatever order they end', () => {
  const end = fc.record({
    ended: fc.oneof(
      fc.constant<Ended>({ kind: 'answered' }),
      fc.constantFrom('ECONNRESET', '503', '400').map((why): Ended => ({ kind: 'failed', why })),
    ),
    tookMs: fc.nat(1000),
    retries: fc.nat(3),
    model: fc.nat(2),
  })
  const tallyOf = (ends: readonly { ended: Ended; tookMs: number; retries: number }[]) =>
    ends.reduce(
      (tally, { ended, tookMs, retries }) =>
        countEnded(countSent(tally), { ...ended, tookMs, atMs: tookMs, retries }),
      emptyTally,
    )
  fc.assert(
    fc.property(fc.array(end), (ends) => {
      const parts = [0, 1, 2].map((at) => tallyOf(ends.filter(({ model }) => model === at)))
      const whole = tallyOf(ends)
      expect(sumOf(parts)).toEqual(whole)
      expect(Object.values(whole.failed).reduce((sum, count) => sum + count, 0)).toBe(lostOf(whole))
    }),
  )
})
