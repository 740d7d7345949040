/** Exceptions of handlers, in a request and in `initialize`, and loads that take too long (contract scheduling §16, 5–8). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, ping, predict, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error'])
})
afterAll(() => tests.close())

const handler = (initialize: string) => `export default {
  ${initialize}
  inference: (rows, state, jobs) => rows.map(() => 'fine'),
}`
const SYNCHRONOUSLY = 'initial_workers=1&synchronous=true'

test('an exception in a request is 503 Prediction failed, and the worker goes on', async () => {
  const raises = `export default { inference: (rows, state, jobs) => jobs.map((job) => {
    if (Buffer.from(job.input.parts[0].data).toString() === 'bad') throw new Error('bad input')
    return 'fine'
  }) }`
  tests.model('raises', { 'handler.js': raises })
  await register(served, `url=raises&${SYNCHRONOUSLY}`)
  const [before] = (await served.describe('raises')).workers
  const failed = await predict(served, 'raises', 'bad')
  expect(failed.status).toBe(503)
  expect(failed.text).toContain('"type": "InternalServerException"')
  expect(failed.text).toContain('Prediction failed')
  expect(await predict(served, 'raises', 'good')).toEqual({ status: 200, text: 'fine' })
  const [after] = (await served.describe('raises')).workers
  expect(after).toMatchObject({ pid: before?.pid, restarts: 0 })
})

test('a model whose initialize raises is 500 when it is registered synchronously, and is gone then', async () => {
  tests.model('broken', { 'handler.js': handler(`initialize() { throw new Error('no weights') },`) })
  const { status, text } = await register(served, `url=broken&${SYNCHRONOUSLY}`)
  expect(status).toBe(500)
  expect(text).toContain('Failed to start workers for model broken version: 1.0')
  expect((await manage(served, 'GET', '/models/broken')).status).toBe(404)
})

test('registered in the background, such a model is accepted, and describe shows that it is not up and why', async () => {
  tests.model('later', { 'handler.js': handler(`initialize() { throw new Error('no weights') },`) })
  expect((await register(served, 'url=later&initial_workers=1&synchronous=false')).status).toBe(202)
  const { workers } = await served.untilDescribed('later', (version) =>
    version.workers.some(({ lastFailure }) => lastFailure !== undefined),
  )
  expect(workers[0]).toMatchObject({ status: 'UNLOADING' })
  expect(workers[0]?.lastFailure?.message).toContain('no weights')
  await manage(served, 'DELETE', '/models/later')
})

test('a Python handler that runs out of memory while it loads is 507', async () => {
  const python = 'def handle(data, context):\n    raise MemoryError()\n'
  tests.pythonModel('fat', python)
  expect((await register(served, `url=fat&${SYNCHRONOUSLY}`)).status).toBe(507)
})

test('a load that takes longer than the startup timeout is 500', async () => {
  tests.model('endless', {
    'handler.js': handler('initialize: () => new Promise((done) => setTimeout(done, 1e9)),'),
  })
  const { status } = await register(served, `url=endless&${SYNCHRONOUSLY}&startup_timeout=1`)
  expect(status).toBe(500)
  expect((await manage(served, 'GET', '/models/endless')).status).toBe(404)
})

test('a load that takes longer than the response timeout is not held to it', async () => {
  tests.model('slow', {
    'handler.js': handler('initialize: () => new Promise((done) => setTimeout(done, 1500)),'),
  })
  const query = `url=slow&${SYNCHRONOUSLY}&startup_timeout=60&response_timeout=1`
  expect((await register(served, query)).status).toBe(200)
  expect(await predict(served, 'slow')).toEqual({ status: 200, text: 'fine' })
})

test('a model without workers leaves the server healthy', async () => {
  tests.model('idle', { 'handler.js': handler('') })
  expect((await register(served, 'url=idle')).status).toBe(200)
  await manage(served, 'PUT', '/models/idle?min_worker=0&max_worker=0&synchronous=true')
  expect((await served.describe('idle')).workers).toEqual([])
  const { status, text } = await ping(served)
  expect([status, JSON.parse(text)]).toEqual([200, { status: 'Healthy' }])
})
