/** Handlers that never come to serve: each is refused with its cause, its neighbour serves on, and nothing is left of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ServerTests, type Served } from '../support/served.js'
import { GOOD, NEVER_LOADED } from './bad-handlers.js'
import { Neighbourhood, packPython, SteadyLoad } from './neighbours.js'

const tests = new ServerTests()
const neighbourhood = new Neighbourhood(tests)
let served: Served

beforeAll(async () => {
  const good = await packPython(tests, { name: 'good', source: GOOD })
  for (const [name, source] of Object.entries(NEVER_LOADED)) await packPython(tests, { name, source })
  served = await neighbourhood.start([good, '--model-store', tests.folder, '--workers', '1'])
})
afterAll(() => tests.close())

test.each([
  ['raises-at-import', /ValueError: no weights/],
  ['raises-in-initialize', /KeyError: 'weights'/],
  ['needs-a-missing-module', /No module named 'not_installed_anywhere'/],
  ['exits-at-import', /exited with code 3/],
  ['is-killed-at-import', /killed by SIGKILL/],
  ['forks-at-import', /ValueError: after a fork/],
  ['catches-everything-at-import', /startup/i],
])('a handler that %s is refused with its cause', async (name, cause) => {
  const before = neighbourhood.processes().length
  const load = new SteadyLoad(neighbourhood, { model: 'good', prefix: 'good ' })
  const query = `url=${name}.mar&initial_workers=1&startup_timeout=3`
  const registered = await fetch(`${served.management}/models?${query}`, { method: 'POST' })
  expect([registered.status, await registered.text()]).toEqual([500, expect.stringMatching(cause) as string])
  await served.until(cause)
  await expect.poll(() => neighbourhood.processes().length, { timeout: 60_000 }).toBe(before)
  await load.stop()
  expect(load.wrong).toEqual([])
})

test('a handler that fails for ever is started again and again, and stops with its model', async () => {
  const load = new SteadyLoad(neighbourhood, { model: 'good', prefix: 'good ' })
  const query = 'url=raises-at-import.mar&initial_workers=2&synchronous=false'
  await fetch(`${served.management}/models?${query}`, { method: 'POST' })
  const { workers } = await served.untilDescribed('raises-at-import', ({ workers }) =>
    workers.some(({ restarts }) => restarts > 0),
  )
  expect(workers[0]?.lastFailure?.message).toContain('no weights')
  const removed = await fetch(`${served.management}/models/raises-at-import`, { method: 'DELETE' })
  expect(removed.status).toBe(200)
  await load.stop()
  expect(load.wrong).toEqual([])
})

test('a server that is killed leaves no worker behind, nor what a handler has forked', async () => {
  const own = new ServerTests()
  const others = new Neighbourhood(own)
  const source = `
import os, time
def handle(data, context):
    if data is None and os.fork() == 0: time.sleep(100000)
    return ["served"] * len(data or [])
`
  const server = await others.start([await packPython(own, { name: 'forks', source })])
  expect(await others.ask('forks', 'x')).toBe('200 served')
  expect(others.processes().length).toBeGreaterThanOrEqual(3)
  server.child.kill('SIGKILL')
  await expect.poll(() => others.processes(), { timeout: 60_000 }).toEqual([])
  await own.close()
})
