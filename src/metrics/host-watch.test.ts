/** When a watch measures; its end, while a real process measures. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { manualClock } from '../clock.js'
import { memoryLogger, type LogRecord } from '../log.js'
import { measureByCommand } from './host-command.js'
import { watchHost } from './host-watch.js'

const folder = mkdtempSync(join(tmpdir(), 'marina-watch-'))
afterAll(() => rmSync(folder, { recursive: true }))

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const openPipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length

/** Complains, starts a process that holds its pipes, and hangs. */
const HANGS = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
  process.stderr.write('slow today')
  require('node:fs').writeFileSync(process.env.PIDS, JSON.stringify([process.pid, child.pid]))
  setInterval(() => {}, 1000)`

test('a watch measures at once and then after each interval, also when a measurement has failed', async () => {
  const clock = manualClock()
  const records: LogRecord[] = []
  const added: unknown[] = []
  const outcomes = [
    () => Promise.resolve([{ name: 'A', value: 1, labels: ['Host'] }]),
    () => Promise.reject(new Error('no such process')),
    () => Promise.resolve([{ name: 'A', value: 3, labels: ['Host'] }]),
  ]
  let measured = 0
  const end = watchHost({
    measure: () => outcomes[measured++]?.() ?? Promise.resolve([]),
    everyMs: 1000,
    metrics: { addOfHost: (...value) => added.push(value) },
    clock,
    log: memoryLogger(records),
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  for (const [afterMs, times] of [
    [0, 1],
    [999, 1],
    [1, 2],
    [1000, 3],
  ] as const) {
    clock.advance(afterMs)
    await settle()
    expect(measured).toBe(times)
  }
  expect(added).toEqual([
    ['A', 1, ['Host']],
    ['A', 3, ['Host']],
  ])
  expect(records).toEqual([
    expect.objectContaining({
      level: 'error',
      message: 'The host could not be measured: no such process',
    }),
  ])
  end()
  clock.advance(5000)
  await settle()
  expect(measured).toBe(3)
})

test('a watch that ends kills the command that measures, holds nothing of it, and logs nothing', async () => {
  const records: LogRecord[] = []
  const log = memoryLogger(records)
  const pids = join(folder, 'pids')
  const measured = vi.fn<(outcome: unknown) => void>()
  let settled = Promise.resolve()
  const pipesBefore = openPipes()
  const end = watchHost({
    measure(signal) {
      const values = measureByCommand({
        command: process.execPath,
        args: ['-e', HANGS],
        env: { ...process.env, PIDS: pids },
        pids: [],
        timeoutMs: 600_000,
        signal,
        complain: (text) => log.error(text),
      })
      settled = values.then(measured, measured)
      return values
    },
    everyMs: 1000,
    metrics: { addOfHost: () => undefined },
    clock: manualClock(),
    log,
  })
  const [command = 0, below = 0] = await vi.waitFor(
    () => JSON.parse(readFileSync(pids, 'utf8')) as number[],
    60_000,
  )
  expect([command, below].map(isAlive)).toEqual([true, true])
  try {
    end()
    await vi.waitFor(() => expect(isAlive(command)).toBe(false), 60_000)
    await settled
    await vi.waitFor(() => expect(openPipes()).toBe(pipesBefore), 60_000)
    expect(isAlive(below), 'it still holds its ends').toBe(true)
  } finally {
    process.kill(below, 'SIGKILL')
  }
  expect(measured.mock.calls).toEqual([[expect.objectContaining({ code: 'misuse' })]])
  expect(records).toEqual([])
}, 300_000)
