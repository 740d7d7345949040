/** Ten thousand connections to one server, two thousand of them idle. `npm run long`; needs 20,000 open files. */
import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { crowdOf } from '../support/crowd.js'
import { ServerTests } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

test('eight thousand clients are answered ten times each beside two thousand idle ones', async () => {
  const handler = `export default { inference: (rows, state, jobs) => jobs.map((job) => job.input.parts[0].data) }`
  const served = await tests.serve([await tests.archive('echo', handler), '--job-queue-size', '10000'])
  const crowd = await crowdOf(served.port, { idle: 2000, busy: 8000 })
  const started = performance.now()
  const statuses = await crowd.askAll('/predictions/echo', 10)
  const seconds = (performance.now() - started) / 1000
  const peak = /^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${served.pid}/status`, 'utf8'))?.[1]
  console.log(
    `10,000 connections: ${statuses.length} requests in ${seconds.toFixed(1)} s, slowest ` +
      `${crowd.slowestMs().toFixed(0)} ms; ${(Number(peak) / 1024).toFixed(0)} MB at the peak`,
  )
  expect([statuses.length, new Set(statuses)]).toEqual([80_000, new Set([200])])
  expect(crowd.idleOnesOpen()).toBe(2000)
  crowd.close()
})
