/** How `marina serve` ends: real signals to a real process, with clients in the middle of their requests. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isRunning, untilGone } from '../support/children.js'
import { Gate } from '../support/gate.js'
import { KeepAliveClient } from '../support/keep-alive-client.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())
const gate = new Gate(tests.folder, 'quick')

const handlers = {
  quick: `${gate.javascript}
  export default { inference: async (rows, state, jobs) => {
    note(jobs)
    await new Promise((resolve) => setTimeout(resolve, 3))
    return jobs.map((job) => job.input.parts[0].data)
  } }`,
  // Blocks its event loop: what no message can interrupt.
  stuck: `export default { inference: () => { console.log('stuck'); for (;;); } }`,
}

const serve = async (name: keyof typeof handlers, options: { words?: string[]; ipc?: boolean } = {}) =>
  tests.serve([await tests.archive(name, handlers[name]), ...(options.words ?? [])], options)

const workerPid = async (served: Served, model: string) =>
  (await served.describe(model)).workers[0]?.pid ?? -1

test.each([1, 2])(
  'SIGTERM under load with %i worker(s) answers every request that had arrived, then exits with 0',
  async (workers) => {
    const served = await serve('quick', { words: ['--workers', String(workers)] })
    // Its head has arrived and half of its body: the rest comes when the server is about to stop.
    const slow = await KeepAliveClient.connect(served.port)
    slow.send('POST /predictions/quick HTTP/1.1\r\nhost: test\r\ncontent-length: 8\r\n\r\nhalf')
    let sent = 0
    let answered = 0
    const late: string[] = []
    const client = async () => {
      const connection = await KeepAliveClient.connect(served.port)
      for (;;) {
        const text = `request ${sent++} of ${workers}`
        const answer = await connection.post('/predictions/quick', text).catch((error: unknown) => {
          // The server lets go of whoever says nothing for too long; the request did not arrive then.
          if (answered < 1000) throw error
          late.push(text)
        })
        if (!answer) return
        const { status, body, closes } = answer
        expect([status, body]).toEqual([200, text])
        answered++
        if (answered === 1000) served.child.kill('SIGTERM')
        if (closes) return
      }
    }
    await Promise.all(Array.from({ length: 32 }, client))
    slow.send('half')
    expect(await slow.answer()).toEqual({ status: 200, body: 'halfhalf', closes: true })
    expect(answered).toBe(sent - late.length)
    expect(gate.seen().filter((text) => late.includes(text))).toEqual([])
    expect(answered).toBeGreaterThanOrEqual(1000 + 31)
    expect(await served.exited).toBe(0)
  },
)

test('a stop leaves no worker and no unpacked folder behind', async () => {
  const served = await serve('quick')
  const pid = await workerPid(served, 'quick')
  const unpacked = () => readdirSync(join(tests.folder, 'cache/marina/generations'))
  expect(unpacked()).toHaveLength(1)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  expect(isRunning(pid)).toBe(false)
  expect(unpacked()).toEqual([])
})

test('a second SIGTERM ends it at once, with its workers, even one that is stuck in its handler', async () => {
  const served = await serve('stuck')
  const pid = await workerPid(served, 'stuck')
  const client = await KeepAliveClient.connect(served.port)
  const answer = client.post('/predictions/stuck', 'x').catch(() => 'cut off')
  await served.until(/stuck/)
  served.child.kill('SIGTERM')
  await served.until(/SIGTERM: answering what has arrived/)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(1)
  expect(await answer).toBe('cut off')
  // Killed with the server; init takes it up a moment later.
  await untilGone(pid)
})

test('what is not done within the drain time is cut off, and the exit code is still 0', async () => {
  const served = await serve('stuck', { words: ['--drain-timeout', '0.3'] })
  const client = await KeepAliveClient.connect(served.port)
  const answer = client.post('/predictions/stuck', 'x').catch(() => 'cut off')
  await served.until(/stuck/)
  served.child.kill('SIGTERM')
  expect(await answer).toBe('cut off')
  expect(await served.exited).toBe(0)
})

test('a server that another program started over IPC ends by itself after SIGTERM', async () => {
  const served = await serve('quick', { ipc: true })
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
})

test('a server that another program started over IPC ends when that program lets go of it', async () => {
  const served = await serve('quick', { ipc: true })
  served.child.disconnect()
  expect(await served.exited).toBe(0)
})

test('a server that was killed leaves folders behind that the next one removes', async () => {
  const generations = join(tests.folder, 'cache/marina/generations')
  const killed = await serve('quick')
  const pid = await workerPid(killed, 'quick')
  killed.child.kill('SIGKILL')
  await killed.exited
  const left = readdirSync(generations)
  expect(left.filter((name) => name.startsWith(`${killed.pid}-`))).toHaveLength(1)
  // No worker outlives its server: its connection is gone.
  await untilGone(pid)
  const next = await serve('quick')
  expect(readdirSync(generations).map((name) => Number.parseInt(name, 10))).toEqual([next.pid])
  next.child.kill('SIGTERM')
  expect(await next.exited).toBe(0)
})
