/** When faults come: what a run of a given length holds. */
import { expect, test } from 'vitest'
import { faultKinds, KILL_EVERY_MS, scheduleOf } from './schedule.js'

test('a minute holds thirty kills, two seconds apart, shared by the models', () => {
  const kills = scheduleOf({ seconds: 60, models: 2 }).filter(({ kind }) => kind === 'kill')
  expect(kills).toHaveLength(30)
  expect(kills.filter(({ model }) => model === 0)).toHaveLength(15)
  expect(new Set(kills.slice(1).map(({ atMs }, at) => atMs - (kills[at]?.atMs ?? 0)))).toEqual(
    new Set([KILL_EVERY_MS]),
  )
})

test('twenty seconds bring every fault to both of two models', () => {
  const pairs = new Set(scheduleOf({ seconds: 21, models: 2 }).map(({ kind, model }) => `${kind} ${model}`))
  expect(pairs.size).toBe(2 * faultKinds.length)
})

test('ten seconds bring every fault but the last', () => {
  const kinds = new Set(scheduleOf({ seconds: 10, models: 2 }).map(({ kind }) => kind))
  expect([...kinds]).toEqual(faultKinds.slice(0, -1))
})

test('faults come in order and within the time, and none follows a kill on the model it hit', () => {
  for (const seconds of [1, 2, 7, 30]) {
    const due = scheduleOf({ seconds, models: 3 })
    expect(due).toEqual([...due].sort((a, b) => a.atMs - b.atMs))
    expect(due.every(({ atMs }) => atMs < seconds * 1000)).toBe(true)
    due.forEach(({ kind, model }, at) => {
      if (due[at - 1]?.kind === 'kill')
        expect([kind === 'kill', due[at - 1]?.model === model]).toContain(false)
    })
  }
})
