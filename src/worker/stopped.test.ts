/** Who is looked at and when, with a clock that the tests move; that a real process is seen is in process-death.test.ts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { manualClock, type Clock } from '../clock.js'
import { isStopped, LOOK_EVERY_MS, StoppedWatch } from './stopped.js'

function setUp() {
  const clock = manualClock()
  const stopped = new Set<number>()
  const looked: number[] = []
  let timers = 0
  const counting: Clock = {
    nowMs: () => clock.nowMs(),
    wakeIn(delayMs, wake) {
      timers++
      return clock.wakeIn(delayMs, () => {
        timers--
        wake()
      })
    },
  }
  const watch = new StoppedWatch(counting, (pid) => {
    looked.push(pid)
    return stopped.has(pid)
  })
  const ended: number[] = []
  const workerOf = (pid: number) => ({ pid, owes: true, onStopped: () => void ended.push(pid) })
  const looks = (count: number) => clock.advance(count * LOOK_EVERY_MS)
  return { watch, workerOf, stopped, looked, ended, looks, timers: () => timers }
}

test('a silent worker that is stopped is ended at the second look that finds it so', () => {
  const { watch, workerOf, stopped, ended, looks } = setUp()
  watch.expect(workerOf(7))
  stopped.add(7)
  looks(2)
  expect(ended).toEqual([])
  looks(1)
  expect(ended).toEqual([7])
  looks(5)
  expect(ended).toEqual([7])
})

test('a worker that goes on between two looks is left alone', () => {
  const { watch, workerOf, stopped, ended, looks } = setUp()
  watch.expect(workerOf(7))
  stopped.add(7)
  looks(2)
  stopped.delete(7)
  looks(1)
  stopped.add(7)
  looks(1)
  expect(ended).toEqual([])
})

test('a worker that says something is not looked at', () => {
  const { watch, workerOf, looked, looks } = setUp()
  const worker = workerOf(7)
  watch.expect(worker)
  for (let i = 0; i < 10; i++) {
    watch.heard(worker)
    looks(1)
  }
  expect(looked).toEqual([])
})

test('one timer serves all workers and all their jobs, and none is left when nothing is owed', () => {
  const { watch, workerOf, looks, looked, timers } = setUp()
  const workers = [workerOf(1), workerOf(2)]
  for (let i = 0; i < 100; i++) workers.forEach((worker) => watch.expect(worker))
  expect(timers()).toBe(1)
  looks(2)
  expect(looked).toEqual([1, 2])
  workers.forEach((worker) => (worker.owes = false))
  looks(1)
  expect(timers()).toBe(0)
})

test('a worker that is gone is forgotten', () => {
  const { watch, workerOf, stopped, ended, looks } = setUp()
  const worker = workerOf(7)
  watch.expect(worker)
  stopped.add(7)
  watch.forget(worker)
  looks(5)
  expect(ended).toEqual([])
})

test('a process is stopped between SIGSTOP and SIGCONT, and one that is not there is not', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const { pid = 0 } = child
  try {
    await once(child, 'spawn')
    expect(isStopped(pid)).toBe(false)
    child.kill('SIGSTOP')
    await expect.poll(() => isStopped(pid)).toBe(true)
    child.kill('SIGCONT')
    await expect.poll(() => isStopped(pid)).toBe(false)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  expect(isStopped(pid)).toBe(false)
})
