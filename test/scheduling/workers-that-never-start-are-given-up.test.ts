/** Workers that fail to start for longer than the recovery window of their model (contract scheduling §16, 11). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, ping, predict } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
const fixed = () => tests.file('weights', 'here')
let served: Served
beforeAll(async () => {
  const handler = `import { existsSync } from 'node:fs'
    export default {
      initialize() { if (!existsSync('${tests.folder}/weights')) throw new Error('no weights') },
      inference: (rows) => rows.map(() => 'fine'),
    }`
  const yaml = 'maxRetryTimeoutInSec: 2\nminWorkers: 1\nmaxWorkers: 1\n'
  const files = { 'handler.js': handler, 'config.yaml': yaml }
  const model = tests.model('broken', files, { configFile: 'config.yaml' })
  served = await tests.serve([model, '--log-level', 'error'])
})
afterAll(() => tests.close())

test('after it what waited is 503, as is what comes, and /ping is 500; once a worker starts all is well again', async () => {
  const version = await served.describe('broken')
  expect(version).toMatchObject({ maxRetryTimeoutInSec: 2, workers: [{ status: 'UNLOADING' }] })

  const waited = await predict(served, 'broken')
  expect(waited.status).toBe(503)
  expect((await predict(served, 'broken')).status).toBe(503)
  const { status, text } = await ping(served)
  expect([status, JSON.parse(text)]).toEqual([500, { status: 'Unhealthy' }])

  fixed()
  await served.untilDescribed('broken', ({ workers }) => workers[0]?.status === 'READY')
  expect(await predict(served, 'broken')).toEqual({ status: 200, text: 'fine' })
  expect((await ping(served)).status).toBe(200)
  expect((await manage(served, 'DELETE', '/models/broken')).status).toBe(200)
})
