/** Decisions about the number of workers, look by look. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideScaling, UNSETTLED, type ScalingLook, type ScalingState } from './scaling.js'

const rules = { queueTimeMs: 200, upCooldownMs: 5000, downCooldownMs: 60_000 }
const EVERY_MS = 500

/** Looks every half second at what `lookAt` says; gives the changes with their times. A change is followed at once. */
function changesOf(
  lookAt: (nowMs: number, workers: number) => Partial<ScalingLook>,
  { workers = 1, min = 1, max = 4, untilMs = 60_000 } = {},
): string[] {
  const changes: string[] = []
  let state: ScalingState = UNSETTLED
  for (let nowMs = 0; nowMs <= untilMs; nowMs += EVERY_MS) {
    const look = { workers, allReady: true, waitedMs: 0, busy: 0, ...lookAt(nowMs, workers) }
    const move = decideScaling(state, look, { rules, limits: { min, max }, nowMs })
    state = move.state
    if (!move.change) continue
    workers = move.change.workers
    changes.push(`${nowMs}: ${workers}`)
  }
  return changes
}

describe('one more worker', () => {
  test.each<[string, string[], Parameters<typeof changesOf>[0], Parameters<typeof changesOf>[1]]>([
    ['nothing waits', [], () => ({ busy: 1 }), {}],
    ['jobs wait no longer than they may', [], () => ({ waitedMs: 200, busy: 1 }), {}],
    [
      'jobs wait too long, one after each cool-down, until there are as many as may be',
      ['5000: 2', '10500: 3', '16000: 4'],
      () => ({ waitedMs: 201 }),
      {},
    ],
    ['there are as many as may be', [], () => ({ waitedMs: 900 }), { workers: 4 }],
    [
      'only every other look sees a job that has waited',
      [],
      (now) => ({ waitedMs: now % 1000 === 0 ? 900 : 0 }),
      {},
    ],
    [
      'two looks in a row see one, long after the start',
      ['30500: 2'],
      (now) => ({ waitedMs: now === 30_000 || now === 30_500 ? 900 : 0, busy: 1 }),
      {},
    ],
    ['a worker is still starting, which may help', [], () => ({ waitedMs: 900, allReady: false }), {}],
    ['there are none, so that nothing can wait', [], () => ({ waitedMs: 900 }), { workers: 0, min: 0 }],
  ])('%s', (_, expected, lookAt, options) => {
    expect(changesOf(lookAt, options)).toEqual(expected)
  })

  test('is judged by what was seen since the last one was ready', () => {
    const startsUntil = (now: number, workers: number) => workers === 2 && now < 20_000
    const lookAt = (now: number, workers: number) => ({ waitedMs: 900, allReady: !startsUntil(now, workers) })
    expect(changesOf(lookAt, { untilMs: 26_000 })).toEqual(['5000: 2', '25000: 3'])
  })
})

describe('one fewer worker', () => {
  const long = { workers: 3, untilMs: 200_000 }
  test.each<[string, string[], Parameters<typeof changesOf>[0], Parameters<typeof changesOf>[1]]>([
    [
      'nothing is to be done, one after each cool-down, until there are as few as must be',
      ['60000: 2', '120500: 1'],
      () => ({}),
      long,
    ],
    ['there are as few as must be', [], () => ({}), { ...long, min: 3 }],
    ['the least is none: the last one stays', ['60000: 2', '120500: 1'], () => ({}), { ...long, min: 0 }],
    ['one fewer would be busy all the time', [], () => ({ busy: 2 }), long],
    [
      'one fewer would be busy seven tenths of the time',
      ['60000: 2'],
      () => ({ busy: 1.375 }),
      { ...long, untilMs: 100_000 },
    ],
    ['a job waited too long in that time', [], (now) => ({ waitedMs: now % 50_000 === 0 ? 201 : 0 }), long],
    ['a worker died in that time', [], (now) => ({ allReady: now % 50_000 !== 0 }), long],
    [
      'the load ends: that is judged by a whole cool-down of its own',
      ['120000: 2'],
      (now) => ({ busy: now <= 60_000 ? 3 : 0 }),
      { ...long, untilMs: 130_000 },
    ],
  ])('%s', (_, expected, lookAt, options) => {
    expect(changesOf(lookAt, options)).toEqual(expected)
  })
})

test('the number stays between the least and the most, and changes by one', () => {
  const looks = fc.array(
    fc.record({ allReady: fc.boolean(), waitedMs: fc.nat(1000), busy: fc.nat(5), passMs: fc.nat(100_000) }),
  )
  fc.assert(
    fc.property(looks, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 3, max: 6 }), (seen, min, max) => {
      let state: ScalingState = UNSETTLED
      let workers = min
      let nowMs = 0
      for (const { passMs, ...look } of seen) {
        nowMs += passMs
        const move = decideScaling(state, { ...look, workers }, { rules, limits: { min, max }, nowMs })
        state = move.state
        if (!move.change) continue
        expect(Math.abs(move.change.workers - workers)).toBe(1)
        workers = move.change.workers
        expect(workers).toBeGreaterThanOrEqual(min)
        expect(workers).toBeLessThanOrEqual(max)
      }
    }),
  )
})

test('a steady load that is too much for one worker and little for two is not answered by now one and now two', () => {
  // A load of 0.9 workers: with one, jobs wait; with two, each is busy less than half of the time.
  const lookAt = (_: number, workers: number) => ({ waitedMs: workers === 1 ? 400 : 0, busy: 0.9 })
  expect(changesOf(lookAt, { untilMs: 600_000 })).toEqual(['5000: 2'])
})

test('a change says why', () => {
  const watching: ScalingState = {
    kind: 'watching',
    sinceMs: 0,
    late: 1,
    calm: { sinceMs: 0, looks: 99, busy: 50 },
  }
  const context = { rules, limits: { min: 1, max: 3 }, nowMs: 61_000 }
  const late = { workers: 2, allReady: true, waitedMs: 350.4, busy: 2 }
  expect(decideScaling(watching, late, context).change).toEqual({
    workers: 3,
    why: 'a job has waited 350 ms for a worker, more than 200 ms',
  })
  expect(decideScaling(watching, { ...late, waitedMs: 0, busy: 0 }, context).change).toEqual({
    workers: 1,
    why: 'in 61 s nothing waited long, and 0.5 of 2 workers were busy on average',
  })
})
