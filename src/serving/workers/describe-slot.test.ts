/** What describing a slot costs those who only want to know its state. */
import { expect, test } from 'vitest'
import { describeSlot } from './describe-slot.js'

test('what a worker takes is measured when it is asked for, and not before', () => {
  let asked = 0
  const described = describeSlot({
    number: 9000,
    createdEpochMs: 0,
    state: { kind: 'ready', pid: process.pid, sinceMs: 0, young: 0 },
    nowMs: 0,
    gpuUsage: () => `asked ${++asked}`,
    jobs: 0,
    restarts: 0,
    isGivenUp: false,
    lastFailure: undefined,
  })
  expect(asked).toBe(0)
  expect(described.usage().gpu).toBe('asked 1')
  if (process.platform === 'linux') expect(described.usage().memory).toBeGreaterThan(2 ** 20)
})
