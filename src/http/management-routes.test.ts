/** The management port as contract rest-api §7 states it, over models in memory. */
import { beforeEach, describe, expect, test } from 'vitest'
import { MarinaError } from '../errors.js'
import { memoryHttp, type MemoryHttp } from '../../test/support/memory-http.js'
import { memoryServing, ok, worker, type MemoryServing } from '../../test/support/memory-serving.js'

let serving: MemoryServing
let http: MemoryHttp
beforeEach(() => {
  serving = memoryServing()
  http = memoryHttp(serving)
})
const send = (request: string, ask = {}) => http.send('management', request, ask)
const status = async (request: string, ask = {}) => {
  const reply = await send(request, ask)
  return [reply.status, (reply.json as { status: string }).status]
}
const error = async (request: string, ask = {}) => (await send(request, ask)).json

describe('listing', () => {
  test('is empty at first', async () => {
    expect((await send('GET /models')).text).toBe('{\n  "models": []\n}\n')
  })

  test.each([
    ['', undefined, ['a', 'b', 'c', 'd']],
    ['?limit=2', '2', ['a', 'b']],
    ['?limit=2&next_page_token=2', '4', ['c', 'd']],
    ['?limit=2;next_page_token=4', undefined, []],
    ['?limit=4', '4', ['a', 'b', 'c', 'd']],
    ['?limit=0', '0', []],
    ['?limit=-1', undefined, ['a', 'b', 'c', 'd']],
    ['?limit=101', undefined, ['a', 'b', 'c', 'd']],
    ['?limit=two', undefined, ['a', 'b', 'c', 'd']],
    ['?next_page_token=-5&limit=1', '1', ['a']],
    ['?next_page_token=50', undefined, []],
    ['?limit=1&limit=3', '1', ['a']],
  ])('GET /models%s', async (query, nextPageToken, names) => {
    for (const name of ['c', 'a', 'd', 'b']) serving.add(name, '1.0')
    expect((await send(`GET /models/${query}`)).json).toEqual({
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
      models: names.map((name) => ({ modelName: name, modelUrl: `${name}.mar` })),
    })
  })
})

describe('describing', () => {
  test('shows the original’s fields in its order, then ours', async () => {
    serving.add('noop', '1.0', { queue: { capacity: 100, pending: 2 } })
    const { json, text } = await send('GET /models/noop')
    expect(json).toMatchObject([
      {
        modelName: 'noop',
        modelVersion: '1.0',
        responseTimeout: 120,
        startupTimeout: 120,
        maxBatchDelay: 100,
        jobQueueStatus: { remainingCapacity: 98, pendingRequests: 2 },
        workers: [
          {
            id: '9000',
            status: 'READY',
            pid: 4711,
            gpu: false,
            gpuUsage: 'N/A',
            state: 'ready',
            memoryUsage: 1024,
          },
        ],
      },
    ])
    const fields = [...text.matchAll(/^ {4}"(\w+)"/gm)].map((match) => match[1])
    expect(fields.join(' ')).toBe(
      'modelName modelVersion modelUrl runtime minWorkers maxWorkers batchSize maxBatchDelay responseTimeout ' +
        'startupTimeout maxRetryTimeoutInSec clientTimeoutInMills parallelType parallelLevel deviceType ' +
        'continuousBatching useJobTicket useVenv stateful sequenceMaxIdleMSec sequenceTimeoutMSec maxNumSequence ' +
        'maxSequenceJobQueueSize loadedAtStartup workers jobQueueStatus',
    )
  })

  test('takes the default version, one, or all', async () => {
    serving.add('noop', '1.0')
    serving.add('noop', '2.0')
    const versions = async (path: string) =>
      ((await send(`GET ${path}`)).json as { modelVersion: string }[]).map((each) => each.modelVersion)
    expect(await versions('/models/noop')).toEqual(['1.0'])
    expect(await versions('/models/noop/2.0/')).toEqual(['2.0'])
    expect(await versions('/models/noop/all')).toEqual(['1.0', '2.0'])
  })

  test.each([
    ['{"a":"1"}', { a: '1' }],
    ['[1]', {}],
    ['not json', {}],
    ['', undefined],
  ])('asks the handler with customized=true: %j', async (body, metadata) => {
    serving.add('noop', '1.0', { answer: () => ok(body) })
    const { json } = await send('GET /models/noop?customized=true')
    expect((json as { customizedMetadata?: unknown }[])[0]?.customizedMetadata).toEqual(metadata)
    expect(serving.requests[0]).toMatchObject({ operation: 'describe', headers: { describe: 'True' } })
  })

  test('customized=true without a worker has a text of its own', async () => {
    serving.add('noop', '1.0', {
      answer: () => {
        throw new MarinaError('no-worker', 'none')
      },
    })
    expect(await error('GET /models/noop?customized=true')).toEqual({
      code: 503,
      type: 'ServiceUnavailableException',
      message:
        'Model "noop" has no worker to serve describe request. Please use scale workers API to add workers.',
    })
  })
})

describe('registering', () => {
  const NONE =
    'Model "noop" Version: 1.0 registered with 0 initial workers. Use scale workers API to add workers for the model.'
  test.each([
    ['?url=noop.mar', 200, NONE],
    ['?url=noop.mar&initial_workers=0', 200, NONE],
    ['?url=noop.mar&initial_workers=-3', 200, NONE],
    ['?url=noop.mar&initial_workers=2', 200, 'Model "noop" Version: 1.0 registered with 2 initial workers'],
    ['?url=noop.mar&initial_workers=2&synchronous=false', 202, 'Processing worker updates...'],
  ])('POST /models%s', async (query, code, text) => {
    expect(await status(`POST /models${query}`)).toEqual([code, text])
  })

  test('passes every parameter on, in milliseconds', async () => {
    await send(
      'POST /models?url=a.mar&model_name=noop&handler=h.py:f&runtime=python3&batch_size=4&max_batch_delay=7' +
        '&initial_workers=1&response_timeout=3&startup_timeout=0',
    )
    expect(serving.registrations[0]).toEqual({
      url: 'a.mar',
      synchronous: true,
      modelName: 'noop',
      handler: 'h.py:f',
      runtime: 'python3',
      batchSize: 4,
      maxBatchDelayMs: 7,
      initialWorkers: 1,
      responseTimeoutMs: 3000,
      startupTimeoutMs: 0,
    })
  })

  test('leaves to the configuration what is absent or does not parse', async () => {
    await send('POST /models?url=a.mar&batch_size=many&max_batch_delay=-100&response_timeout=-1')
    expect(serving.registrations[0]).toEqual({ url: 'a.mar', synchronous: true })
  })

  const json = ['Content-Type', 'application/json; charset=utf-8']
  test.each([
    `{"url":"noop.mar","initial_workers":1,"synchronous":true}`,
    `{'url':'noop.mar', 'initial_workers':'1', 'synchronous':'true'}`,
    `{url: noop.mar, initial_workers: "1"}`,
  ])('reads the lenient body %s instead of the query', async (body) => {
    const reply = await status('POST /models?url=other.mar&batch_size=3', { headers: json, body })
    expect(reply).toEqual([200, 'Model "noop" Version: 1.0 registered with 1 initial workers'])
    expect(serving.registrations[0]?.batchSize).toBeUndefined()
  })

  test.each(['', 'noop.mar', '[1]', '{"url": ', '{"url": {"a": 1}}'])('a body %j is 400', async (body) => {
    expect(await error('POST /models', { headers: json, body })).toMatchObject({
      code: 400,
      type: 'BadRequestException',
    })
  })

  test.each([
    ['', 400, 'BadRequestException', 'Parameter url is required.'],
    ['?url=', 404, 'ModelNotFoundException', 'empty url'],
    ['?url', 404, 'ModelNotFoundException', 'empty url'],
    ['?url=a&runtime=java', 400, 'BadRequestException', 'Invalid RuntimeType value: java'],
    ['?url=a&runtime=', 400, 'BadRequestException', 'Invalid RuntimeType value: '],
    ['?url=a&runtime=Python', 400, 'BadRequestException', 'Invalid RuntimeType value: Python'],
  ])('POST /models%s is refused', async (query, code, type, message) => {
    expect(await error(`POST /models${query}`)).toEqual({ code, type, message })
  })

  test('the same version twice is 409', async () => {
    await send('POST /models?url=noop.mar')
    expect(await error('POST /models?url=noop.mar')).toEqual({
      code: 409,
      type: 'ConflictStatusException',
      message: 'Model version 1.0 is already registered for model noop',
    })
  })

  test('workers that do not come up are the answer', async () => {
    serving.startWorkers = () =>
      Promise.reject(new MarinaError('worker-failed', 'Failed to start workers for model noop version: 1.0'))
    expect(await error('POST /models?url=noop.mar&initial_workers=1')).toEqual({
      code: 500,
      type: 'InternalServerException',
      message: expect.stringMatching(
        /^Failed to start workers for model noop version: 1\.0\nRequest id: [\w-]{36}$/,
      ) as string,
    })
    expect(await status('POST /models?url=b.mar&initial_workers=1&synchronous=false')).toEqual([
      202,
      'Processing worker updates...',
    ])
  })
})

test('in the torchserve profile the cause of workers that fail is in the log alone, with the request id', async () => {
  const text = 'Failed to start workers for model noop version: 1.0'
  const cause = new MarinaError('worker-failed', 'no weights (handler.py, line 5)')
  serving.startWorkers = () => Promise.reject(new MarinaError('worker-failed', text, { cause }))
  const http = memoryHttp(serving, { profile: 'torchserve', modelApi: true })
  const reply = await http.send('management', 'POST /models?url=noop.mar&initial_workers=1')
  expect(reply.json).toMatchObject({ code: 500, message: text })
  expect(http.logs.find(({ message }) => message === text)?.fields).toMatchObject({
    cause: cause.message,
    id: expect.stringMatching(/^[\w-]{36}$/) as string,
  })
})

describe('scaling', () => {
  beforeEach(() => serving.add('noop', '1.0'))
  test.each([
    ['/models/noop?min_worker=2', 202, 'Processing worker updates...'],
    ['/models/noop?min_worker=2&synchronous=TRUE', 200, 'Workers scaled to 2 for model: noop'],
    ['/models/noop/1.0?synchronous=true', 200, 'Workers scaled to 1 for model: noop, version: 1.0'],
    [
      '/models/noop?model_version=1.0&synchronous=true&min_worker=0',
      200,
      'Workers scaled to 0 for model: noop, version: 1.0',
    ],
  ])('PUT %s', async (path, code, text) => {
    expect(await status(`PUT ${path}`)).toEqual([code, text])
  })

  test.each([
    'PUT /models/noop?min_worker=1025',
    'PUT /models/noop?max_worker=1025',
    'PUT /models/none?min_worker=1025',
  ])('beyond what a model may have is 400: %s', async (request) => {
    expect(await status(request)).toEqual([400, undefined])
    expect(serving.catalog.describe('noop', undefined)[0]?.minWorkers).toBe(1)
  })

  test('is 206 while workers are not ready', async () => {
    const { catalog } = serving
    const describe = catalog.describe.bind(catalog)
    catalog.describe = (model, version) =>
      describe(model, version).map((each) => ({ ...each, workers: [worker({ status: 'UNLOADING' })] }))
    expect(await status('PUT /models/noop?synchronous=true')).toEqual([206, 'Workers scaling in progress...'])
  })

  test.each([
    ['/models/none', 404, 'Model not found: none. Models that exist: noop'],
    ['/models/noop/9', 404, 'Model version: 9 does not exist for model: noop. Versions that exist: 1.0'],
    ['/models/none?min_worker=2&max_worker=1', 400, 'max_worker cannot be less than min_worker.'],
    ['/models/noop?min_worker=-1', 400, 'min_worker cannot be negative.'],
  ])('PUT %s is refused', async (path, code, message) => {
    expect(await error(`PUT ${path}`)).toMatchObject({ code, message })
  })
})

describe('versions', () => {
  beforeEach(() => {
    serving.add('noop', '1.0')
    serving.add('noop', '2.0')
  })
  test('the default is set', async () => {
    expect(await status('PUT /models/noop/2.0/set-default')).toEqual([
      200,
      'Default version successfully updated for model "noop" to "2.0"',
    ])
    expect(serving.catalog.list()[0]?.defaultVersion).toBe('2.0')
  })
  test('a version that is not there has a text without colons', async () => {
    const drop = memoryHttp(serving, { profile: 'torchserve' })
    expect((await drop.send('management', 'PUT /models/noop/9/set-default')).json).toEqual({
      code: 404,
      type: 'ModelVersionNotFoundException',
      message: 'Model version 9 does not exist for model noop',
    })
  })
  test('one is unregistered; the default only when it is alone', async () => {
    expect(await error('DELETE /models/noop')).toEqual({
      code: 403,
      type: 'InvalidModelVersionException',
      message: 'Cannot remove default version for model noop',
    })
    expect(await status('DELETE /models/noop/2.0')).toEqual([200, 'Model "noop" unregistered'])
    expect(await status('DELETE /models/noop/?synchronous=true&timeout=3')).toEqual([
      200,
      'Model "noop" unregistered',
    ])
    expect(await error('DELETE /models/noop')).toMatchObject({ code: 404 })
  })
})

describe('methods', () => {
  beforeEach(() => serving.add('noop', '1.0'))
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']
  test.each([
    ['/models', [200, 400, 405, 405, 405, 405, 405]],
    ['/models/noop', [200, 405, 202, 200, 200, 405, 405]],
    ['/models/noop/1.0', [200, 405, 202, 200, 200, 405, 405]],
    ['/models/noop/1.0/set-default', [405, 405, 200, 405, 200, 405, 405]],
    ['/models/noop/1.0/x', [404, 404, 404, 404, 404, 404, 404]],
    ['/models/noop/1.0/set-default/x', [404, 404, 404, 404, 404, 404, 404]],
    ['/v1/models/noop', [200, 405, 405, 405, 405, 405, 405]],
    ['/v1/models/noop/x', [404, 404, 404, 404, 404, 404, 404]],
    ['/ping', [404, 404, 404, 404, 404, 404, 404]],
    ['/', [405, 405, 405, 405, 200, 405, 405]],
  ])('%s', async (path, expected) => {
    const seen = []
    for (const method of methods) {
      const fresh = memoryServing()
      fresh.add('noop', '1.0')
      seen.push((await memoryHttp(fresh).send('management', `${method} ${path}`)).status)
    }
    expect(seen).toEqual(expected)
  })

  test('without the model API only register and unregister are gone', async () => {
    http = memoryHttp(serving, { modelApi: false })
    const codes = []
    for (const request of [
      'POST /models?url=a.mar',
      'DELETE /models/noop',
      'DELETE /models/noop/1.0',
      'GET /models',
      'PUT /models/noop',
      'PUT /models/noop/1.0/set-default',
    ])
      codes.push((await send(request)).status)
    expect(codes).toEqual([405, 405, 405, 200, 202, 200])
  })

  test('KServe asks for readiness', async () => {
    expect((await send('GET /v1/models/noop')).json).toEqual({ name: 'noop', ready: true })
    serving.add('empty', '1.0', { workers: [] })
    expect((await send('GET /v1/models/empty')).json).toEqual({ name: 'empty', ready: false })
    expect(await error('GET /v1/models/none')).toMatchObject({ code: 404 })
  })
})

describe('web pages', () => {
  const from = (origin: string, host = 'localhost:8081') => ({ headers: ['Host', host, 'Origin', origin] })
  test.each([
    ['another site', from('https://evil.example'), 403],
    ['another site under the name of this one', from('http://evil.example', 'evil.example'), 403],
    ['a sandboxed frame', from('null'), 403],
    ['this server', from('http://localhost:8081'), 200],
    ['a program', {}, 200],
  ])('%s registering is %s', async (_, ask, code) => {
    expect((await send('POST /models?url=a.mar', ask)).status).toBe(code)
  })
  test('may read', async () => {
    expect((await send('GET /models', from('https://evil.example'))).status).toBe(200)
  })
})

describe('one port for all', () => {
  beforeEach(() => serving.add('noop', '1.0'))
  const roles = ['inference', 'management', 'metrics'] as const
  test.each([
    ['GET /ping', 200],
    ['GET /models', 200],
    ['GET /models/noop/1.0', 200],
    ['PUT /models/noop/1.0', 202],
    ['POST /models/noop/invoke', 200],
    ['POST /v1/models/noop:predict', 200],
    ['GET /v1/models/noop', 200],
    ['GET /metrics', 200],
    ['POST /noop/predict', 200],
    ['GET /models/predict', 404],
  ])('%s is %i', async (request, code) => {
    expect((await http.send(roles, request)).status).toBe(code)
  })
})
