/** A Python and a TypeScript model side by side: whichever of them crashes for ever, the other loses no request. */
import { afterAll, expect, test } from 'vitest'
import { ServerTests } from '../support/served.js'
import { BAD, GOOD } from './bad-handlers.js'
import { Neighbourhood, packPython, SteadyLoad } from './neighbours.js'

const tests = new ServerTests()
afterAll(() => tests.close())

const BODY = 'Buffer.from(job.input.parts[0].data).toString()'
const TYPESCRIPT = `export default { inference: (jobs) => jobs.map((job) => 'good ' + ${BODY}) }`
const CRASHES = `export default { inference: (jobs) => jobs.map((job) => ${BODY} === 'kill' ? process.abort() : '') }`
const FAILS = `export default { initialize() { throw new Error('no weights') }, inference: (jobs) => jobs }`

/** Whole lives of a worker that the other model's load goes on through. */
const DEATHS = 10

async function endure(good: string, bad: { requests: string; loads: string }) {
  const neighbourhood = new Neighbourhood(tests)
  const served = await neighbourhood.start([good, bad.requests, bad.loads, '--workers', '1'])
  const load = new SteadyLoad(neighbourhood, { model: 'good', prefix: 'good ' })
  const restartsOf = async (model: string) => (await served.describe(model)).workers[0]?.restarts ?? 0
  while ((await restartsOf('crashes')) < DEATHS || (await restartsOf('fails')) < 2)
    expect(await neighbourhood.ask('crashes', 'kill')).toMatch(/^500 .*Worker died\./)
  await load.stop()
  expect(load.wrong).toEqual([])
  expect(load.answered).toBeGreaterThan(DEATHS)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  await expect.poll(() => neighbourhood.processes(), { timeout: 60_000 }).toEqual([])
}

test('a Python model that crashes for ever takes no request from a TypeScript model', async () => {
  await endure(await tests.archive('good', TYPESCRIPT), {
    requests: await packPython(tests, { name: 'crashes', source: BAD }),
    loads: await packPython(tests, { name: 'fails', source: 'raise ValueError("no weights")' }),
  })
})

test('a TypeScript model that crashes for ever takes no request from a Python model', async () => {
  await endure(await packPython(tests, { name: 'good', source: GOOD }), {
    requests: await tests.archive('crashes', CRASHES),
    loads: await tests.archive('fails', FAILS),
  })
})
