/** What a client meets at the edges of a real `marina serve`: limits, unknown names, bad items, workers that do not start. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawConnection, rawExchange } from '../support/raw-http.js'
import { ServerTests, type Served } from '../support/served.js'
import { doublingModel } from '../support/tiny-models.js'

const MAX_BYTES = 1000

// 'hold' keeps the worker busy until the file is there, so that what is sent meanwhile becomes one batch.
const batchHandler = `
import { existsSync } from 'node:fs'
const text = (job) => new TextDecoder().decode(job.input.parts[0].data)
let batch = 0
export default {
  async inference(rows, state, jobs) {
    batch = Math.max(batch, jobs.length)
    if (text(jobs[0]) === 'hold') while (!existsSync(process.env.RELEASE)) await new Promise((go) => setTimeout(go, 5))
    if (jobs.some((job) => text(job) === 'throws')) throw new Error('cannot read this one')
    return jobs.map((job) => text(job) + ', once ' + batch + ' together')
  },
}
`

const tests = new ServerTests()
const release = join(tests.folder, 'release')
let served: Served
let startedMs: number

beforeAll(async () => {
  startedMs = performance.now()
  const models = [
    tests.model('batches', { 'handler.js': batchHandler }),
    tests.model(
      'doubles',
      { 'model.onnx': doublingModel() },
      { handler: 'onnx', serializedFile: 'model.onnx' },
    ),
    tests.model('broken', { 'handler.js': 'throw new TypeError("no such weights")' }),
  ]
  const words = [
    ...models,
    '--max-request-size',
    String(MAX_BYTES),
    '--batch-size',
    '8',
    '--log-level',
    'error',
  ]
  served = await tests.serve(words, { env: { RELEASE: release } })
})
afterAll(() => tests.close())

const post = (path: string, body: string | Uint8Array<ArrayBuffer>) =>
  fetch(`${served.inference}${path}`, { method: 'POST', body })

test('the server process maps no ONNX Runtime, sharp or usearch while an ONNX model answers', async () => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1.5, -2] }]
  const response = await post('/predictions/doubles', JSON.stringify({ inputs }))
  expect(await response.json()).toEqual({
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [3, -4] }],
  })
  const native = /onnxruntime|sharp|libvips|usearch/
  const mapped = (pid: number) => readFileSync(`/proc/${pid}/maps`, 'utf8')
  expect(mapped(served.pid)).not.toMatch(native)
  const [worker] = (await served.describe('doubles')).workers
  expect(mapped(worker?.pid ?? -1)).toMatch(native)
})

test('a body over the limit is answered 413, whether its length is announced or not', async () => {
  const head = 'POST /predictions/batches HTTP/1.1\r\nhost: test\r\n'
  const announced = await rawExchange(served.port, `${head}content-length: ${MAX_BYTES + 1}\r\n\r\n`)
  expect(announced).toMatch(/^HTTP\/1\.1 413 /)
  expect(announced).toContain(`The request body is larger than the limit of ${MAX_BYTES} bytes.`)
  const chunked = await rawConnection(served.port)
  chunked.send(`${head}transfer-encoding: chunked\r\n\r\n`)
  for (let sent = 0; sent <= MAX_BYTES; sent += 100) chunked.send(`64\r\n${'x'.repeat(100)}\r\n`)
  expect(await chunked.until(/limit of/)).toMatch(/^HTTP\/1\.1 413 /)
  const fits = await post('/predictions/batches', 'x'.repeat(MAX_BYTES))
  expect(fits.status).toBe(200)
})

test("an unknown model or version is answered 404 with TorchServe's text and what exists", async () => {
  const model = await post('/predictions/nobody', 'x')
  expect(model.status).toBe(404)
  expect(await model.json()).toEqual({
    code: 404,
    type: 'ModelNotFoundException',
    message: 'Model not found: nobody. Models that exist: batches, broken, doubles',
  })
  const version = await post('/predictions/batches/7.0', 'x')
  expect(version.status).toBe(404)
  expect(await version.json()).toEqual({
    code: 404,
    type: 'ModelVersionNotFoundException',
    message: 'Model version: 7.0 does not exist for model: batches. Versions that exist: 1.0',
  })
})

test('one bad item in a batch of eight fails alone', async () => {
  const held = post('/predictions/batches', 'hold')
  await served.untilDescribed('batches', ({ workers }) => workers.length === 1)
  const bodies = ['a', 'b', 'c', 'throws', 'd', 'e', 'f', 'g']
  const answers = Promise.all(
    bodies.map(async (body) => {
      const response = await post('/predictions/batches', body)
      return response.ok ? response.text() : response.status
    }),
  )
  await served.untilDescribed('batches', (version) => version.jobQueueStatus.pendingRequests === 8)
  writeFileSync(release, '')
  await held
  expect(await answers).toEqual(bodies.map((body) => (body === 'throws' ? 503 : `${body}, once 8 together`)))
})

test('a model that cannot start backs off, and describe says how often it failed and why', async () => {
  const { workers } = await served.untilDescribed(
    'broken',
    (version) => (version.workers[0]?.restarts ?? 0) >= 2,
  )
  expect(workers[0]).toMatchObject({ status: 'UNLOADING' })
  expect(workers[0]?.lastFailure?.message).toContain('no such weights')
  const { restarts = 0 } = workers[0] ?? {}
  const waitedMs = [1000, 1000, 2000, 3000, 5000, 8000].slice(0, restarts).reduce((sum, ms) => sum + ms)
  // However long the other tests took: nobody has tried as often in less time.
  expect(performance.now() - startedMs).toBeGreaterThan(waitedMs)
  expect((await post('/predictions/batches', 'x')).status).toBe(200)
})

test('a port in use is named with its cure, and nothing stays behind', async () => {
  const ports = ['--management-port', '0', '--metrics-port', '0']
  const archive = await tests.archive('late', 'export default { inference: (rows) => rows }')
  const second = tests.run(['serve', archive, '--inference-port', String(served.port), ...ports])
  const text = `Cannot listen on 127.0.0.1:${served.port}: the port is in use. Choose another with --inference-port N`
  await second.until(new RegExp(text))
  expect(await second.exited).toBe(1)
  expect(existsSync(join(tests.folder, 'cache/marina/generations', `${second.pid}`))).toBe(false)
})
