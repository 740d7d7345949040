/** Predictions under all their URLs, as contract rest-api §3–§6 and §10 state them. */
import { beforeEach, describe, expect, test } from 'vitest'
import { MarinaError } from '../errors.js'
import type { Outcome } from '../serving/job.js'
import { memoryHttp, type MemoryHttp } from '../../test/support/memory-http.js'
import { memoryServing, ok, type Answerer, type MemoryServing } from '../../test/support/memory-serving.js'

let serving: MemoryServing
let http: MemoryHttp
beforeEach(() => {
  serving = memoryServing()
  serving.add('noop', '1.0')
  serving.add('noop', '2.0')
  http = memoryHttp(serving)
})
const last = () => serving.requests.at(-1)!
const inputs = () =>
  last().input.kind === 'parts'
    ? (last().input as Extract<ReturnType<typeof last>['input'], { kind: 'parts' }>).parts.map((part) => ({
        name: part.name,
        ...(part.contentType === undefined ? {} : { type: part.contentType }),
        text: part.body.kind === 'inline' ? Buffer.from(part.body.data).toString() : '',
      }))
    : []
const answering = (answer: Answerer) => serving.add('it', '1.0', { answer })

describe('routes', () => {
  test.each([
    ['/predictions/noop', undefined, 'predict', { url_path: '', explain: 'False' }],
    ['/predictions/noop/', undefined, 'predict', { url_path: '', explain: 'False' }],
    ['/predictions/noop/2.0', '2.0', 'predict', { url_path: '', explain: 'False' }],
    ['/predictions/noop/2.0/v1/chat', '2.0', 'predict', { url_path: 'v1/chat', explain: 'False' }],
    ['/predictions%2Fnoop%2F2.0', '2.0', 'predict', { url_path: '', explain: 'False' }],
    ['/explanations/noop', undefined, 'explain', { url_path: '', explain: 'True' }],
    ['/explanations/noop/2.0', '2.0', 'explain', { url_path: '', explain: 'True' }],
    ['/v1/models/noop:predict', undefined, 'predict', { explain: 'False' }],
    ['/v1/models/noop:explain', undefined, 'explain', { explain: 'True' }],
    ['/v2/models/noop/infer', undefined, 'predict', { explain: 'False' }],
    ['/v2/models/noop:x/explain', undefined, 'explain', { explain: 'True' }],
    ['/models/noop/invoke', undefined, 'predict', {}],
    ['/noop/predict', undefined, 'predict', {}],
    ['/noop/2.0/predict', '2.0', 'predict', {}],
    ['/invocations?model_name=noop', undefined, 'predict', {}],
  ])('%s is a prediction', async (path, version, operation, headers) => {
    expect((await http.send('inference', `POST ${path}`)).text).toBe('answer')
    expect(last()).toMatchObject({ model: 'noop', version, operation })
    const { 'content-length': length, ...rest } = last().headers
    expect([length, rest]).toEqual(['0', headers])
  })

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('%s runs a prediction', async (method) => {
    expect((await http.send('inference', `${method} /predictions/noop`)).status).toBe(200)
  })

  test('OPTIONS never reaches a worker', async () => {
    expect((await http.send('inference', 'OPTIONS /predictions/noop')).status).toBe(200)
    expect(serving.requests).toEqual([])
  })

  test.each([
    '/predictions',
    '/nowhere',
    '/models/noop/1.0/invoke',
    '/models/noop',
    '/models',
    '/v2/models/noop',
    '/v2/models/noop/versions/1/infer',
    '/v1/models/noop',
    '/invocations/noop',
    '/models/predict',
    'http://localhost/predictions/noop',
  ])('%s is not there', async (path) => {
    expect(await http.send('inference', `GET ${path}`)).toMatchObject({
      status: 404,
      json: {
        code: 404,
        type: 'ResourceNotFoundException',
        message: 'Requested resource is not found, please refer to API document.',
      },
    })
  })

  test('a malformed percent escape is 403', async () => {
    expect((await http.send('inference', 'GET /predictions/%zz')).json).toMatchObject({
      code: 403,
      type: 'IllegalArgumentException',
    })
  })

  test('the error body has exactly three fields, two blanks and a newline', async () => {
    const { text, headers } = await http.send('inference', 'GET /nowhere')
    expect(text).toBe(
      '{\n  "code": 404,\n  "type": "ResourceNotFoundException",\n' +
        '  "message": "Requested resource is not found, please refer to API document."\n}\n',
    )
    expect(headers.get('content-type')).toBe('application/json')
  })
})

describe('/invocations', () => {
  const named = ['content-type', 'application/x-www-form-urlencoded']
  test('takes the only model that was loaded at the start', async () => {
    serving.add('started', '1.0', { loadedAtStartup: true })
    await http.send('inference', 'POST /invocations')
    expect(last().model).toBe('started')
  })
  test('takes the form field where no model stands out', async () => {
    await http.send('inference', 'POST /invocations', { headers: named, body: 'model_name=noop&a=1' })
    expect(last().model).toBe('noop')
  })
  test('is 400 without a model', async () => {
    expect((await http.send('inference', 'POST /invocations')).json).toEqual({
      code: 400,
      type: 'BadRequestException',
      message: 'Parameter model_name is required.',
    })
  })
})

describe('inputs', () => {
  const form = ['Content-Type', 'application/x-www-form-urlencoded']
  test.each([
    [
      'a body of any type',
      ['Content-Type', 'image/png; q=1'],
      'x',
      [{ name: 'body', type: 'image/png', text: 'x' }],
    ],
    ['a body without type', [], 'x', [{ name: 'body', text: 'x' }]],
    ['no body', [], '', [{ name: 'body', text: '' }]],
    ['a form', form, 'data=te%20st+1', [{ name: 'data', text: 'te st 1' }]],
    ['an empty form', form, '', []],
  ])('%s', async (_, headers, body, expected) => {
    await http.send('inference', 'PUT /predictions/noop', { headers, body })
    expect(inputs()).toEqual(expected)
  })

  test('query parameters are inputs on the legacy routes and nowhere else', async () => {
    await http.send('inference', 'GET /noop/predict?data=test')
    expect(inputs()).toEqual([
      { name: 'data', text: 'test' },
      { name: 'body', text: '' },
    ])
    await http.send('inference', 'GET /predictions/noop?data=test')
    expect(inputs()).toEqual([{ name: 'body', text: '' }])
  })

  test('headers keep the spelling of the client, and the last of a repeated one counts', async () => {
    const headers = ['X-Custom', 'a', 'content-type', 'text/plain', 'X-Custom', 'b', '__proto__', 'x']
    await http.send('inference', 'POST /predictions/noop', { headers, body: 'hi' })
    expect(last().headers).toEqual({
      'X-Custom': 'b',
      'content-type': 'text/plain',
      'content-length': '2',
      explain: 'False',
      url_path: '',
    })
  })

  test('the first Content-Type decides the decoding, the handler sees the last', async () => {
    const headers = ['Content-Type', 'text/plain', 'Content-Type', 'image/png', 'Content-Length', '1']
    await http.send('inference', 'POST /predictions/noop', { headers, body: 'x' })
    expect(inputs()).toEqual([{ name: 'body', type: 'text/plain', text: 'x' }])
    expect(last().headers['Content-Type']).toBe('image/png')
    expect(last().headers['content-length']).toBeUndefined()
  })

  test('a sequence id is found in any letter case', async () => {
    await http.send('inference', 'POST /predictions/noop', { headers: ['TS_REQUEST_SEQUENCE_ID', 's1'] })
    expect(last().sequenceId).toBe('s1')
  })
})

describe('how soon an answer is wanted', () => {
  const ask = (headers: string[], profile: 'marina' | 'torchserve' = 'marina') =>
    memoryHttp(serving, { profile }).send('inference', 'POST /predictions/noop', { headers })

  test('is read from two headers', async () => {
    await ask(['X-Request-Priority', 'High', 'x-request-timeout-ms', '250'])
    expect(last()).toMatchObject({ priority: 'high', deadlineMs: last().receivedMs + 250 })
    expect(last().headers, 'the handler sees them too').toMatchObject({ 'X-Request-Priority': 'High' })
    await ask([])
    expect(last()).not.toHaveProperty('priority')
    expect(last()).not.toHaveProperty('deadlineMs')
  })

  test.each([
    ['x-request-priority', 'urgent', 'one of high, normal, low, not "urgent"'],
    ['x-request-timeout-ms', '1s', 'a whole number of milliseconds, not "1s"'],
    ['x-request-timeout-ms', '-1', 'a whole number of milliseconds, not "-1"'],
  ])('%s: %s is refused, and ignored by the drop-in', async (name, value, mustBe) => {
    const { json } = await ask([name, value])
    expect(json).toMatchObject({ code: 400, message: `The header ${name} must be ${mustBe}.` })
    expect((await ask([name, value], 'torchserve')).status).toBe(200)
    expect(last()).not.toHaveProperty('priority')
    expect(last()).not.toHaveProperty('deadlineMs')
  })
})

describe('answers', () => {
  test('have no content type and no reason phrase unless the handler set one', async () => {
    const { headers, reason, text } = await http.send('inference', 'GET /predictions/noop')
    expect([headers.get('content-type'), reason, text]).toEqual([undefined, '', 'answer'])
  })

  test('carry the status and the headers of the handler, but not those that are the server’s', async () => {
    answering(() =>
      ok('Invalid response', {
        status: 507,
        headers: { 'Content-Type': 'text/plain', 'Content-Length': '3', 'X-Request-Id': 'mine', a: 'b' },
      }),
    )
    const { status, headers, text } = await http.send('inference', 'GET /predictions/it')
    expect([status, text]).toEqual([507, 'Invalid response'])
    expect([...headers.keys()].sort()).toEqual(['a', 'content-type', 'server-timing'])
  })

  test('say where the time went, except as torchserve', async () => {
    const marina = await http.send('inference', 'GET /predictions/noop')
    expect(marina.headers.get('server-timing')).toBe(
      'decode;dur=1.000, queue;dur=2.000, preprocess;dur=0.100, inference;dur=0.200, postprocess;dur=0.300, total;dur=0.000',
    )
    const drop = memoryHttp(serving, { profile: 'torchserve' })
    expect((await drop.send('inference', 'GET /predictions/noop')).headers.has('server-timing')).toBe(false)
  })

  test('that are streamed have one chunk a piece, and head and marker once', async () => {
    answering(async (_, onChunk) => {
      for (const piece of ['hello', '', 'world'])
        await onChunk?.({
          head: { status: 201, headers: { 'content-type': 'text/plain' } },
          data: Buffer.from(piece),
        })
      return { kind: 'streamed' }
    })
    const { kind, status, headers, chunks } = await http.send('inference', 'GET /predictions/it')
    expect([kind, status, chunks]).toEqual(['streamed', 201, ['hello', 'world']])
    expect([...headers]).toEqual([
      ['content-type', 'text/plain'],
      ['ts_stream_next', 'true'],
    ])
  })

  test('that fail after the first piece break off', async () => {
    answering(async (_, onChunk) => {
      await onChunk?.({ data: Buffer.from('x') })
      return { kind: 'died', message: 'killed', stderr: [] }
    })
    expect((await http.send('inference', 'GET /predictions/it')).kind).toBe('broken')
  })
})

const failed = (
  reason: Extract<Outcome, { kind: 'failed' }>['reason'],
  status: number,
  message: string,
): Outcome => ({
  kind: 'failed',
  reason,
  status,
  message,
  where: 'handler.js:3',
})

const NO_WORKER =
  'has no worker to serve inference request. Please use scale workers API to add workers. ' +
  'If this is a sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize'

describe('failures', () => {
  test.each<[string, Outcome, number, string, string]>([
    [
      'an exception',
      failed('exception', 503, 'TypeError: x'),
      503,
      'InternalServerException',
      'Prediction failed',
    ],
    [
      'a wrong list',
      failed('invalid-output', 503, 'number of batch response mismatched'),
      503,
      'InternalServerException',
      'number of batch response mismatched',
    ],
    ['no memory', failed('out-of-memory', 507, 'oom'), 507, 'InternalServerException', 'Out of resources'],
    ['failure(400)', failed('rejected', 400, 'not an image'), 400, 'BadRequestException', 'not an image'],
    ['failure(404)', failed('rejected', 404, 'no such row'), 404, 'ResourceNotFoundException', 'no such row'],
    ['failure(422)', failed('rejected', 422, 'no'), 422, 'BadRequestException', 'no'],
    ['failure(503)', failed('rejected', 503, 'later'), 503, 'ServiceUnavailableException', 'later'],
    ['failure(200)', failed('rejected', 200, 'what?'), 500, 'InternalServerException', 'what?'],
    [
      'a death',
      { kind: 'died', message: 'killed by SIGKILL', stderr: [] },
      500,
      'InternalServerException',
      'Worker died.',
    ],
    [
      'a response timeout',
      { kind: 'timed-out', phase: 'response' },
      500,
      'InternalServerException',
      'Worker died.',
    ],
    [
      'a deadline',
      { kind: 'timed-out', phase: 'queue' },
      408,
      'RequestTimeoutException',
      'The deadline of the request passed before a worker could take it.',
    ],
    [
      'a deadline during the work',
      { kind: 'timed-out', phase: 'running' },
      408,
      'RequestTimeoutException',
      'The deadline of the request passed before it was answered.',
    ],
    [
      'a model that goes',
      { kind: 'refused', message: 'unregistered' },
      503,
      'ServiceUnavailableException',
      `Model "it" ${NO_WORKER}`,
    ],
  ])('%s', async (_, outcome, code, type, message) => {
    answering(() => outcome)
    expect((await http.send('inference', 'GET /predictions/it')).json).toEqual({ code, type, message })
  })

  test.each(['no-worker', 'queue-full'] as const)('%s has one text, with the stray quote', async (code) => {
    answering(() => {
      throw new MarinaError(code, 'short')
    })
    const plain = await http.send('inference', 'GET /predictions/it')
    expect(plain.json).toMatchObject({ code: 503, message: `Model "it" ${NO_WORKER}` })
    expect(plain.headers.get('retry-after')).toBe('1')
    const versioned = await http.send('inference', 'GET /predictions/it/1.0')
    expect(versioned.json).toMatchObject({ message: `Model "it" Version 1.0" ${NO_WORKER}` })
  })

  test.each([
    [0, '1'],
    [1000, '1'],
    [1001, '2'],
    [9e9, '60'],
  ])('a queue in which jobs wait %i ms asks to come again after %s s', async (retryAfterMs, seconds) => {
    answering(() => {
      throw new MarinaError('queue-full', 'short', { retryAfterMs })
    })
    expect((await http.send('inference', 'GET /predictions/it')).headers.get('retry-after')).toBe(seconds)
  })

  test('a handler’s exception is told only to those who asked for it, and logged always', async () => {
    answering(() => failed('exception', 503, 'TypeError: x'))
    const verbose = memoryHttp(serving, { verboseErrors: true })
    expect((await verbose.send('inference', 'GET /predictions/it')).json).toMatchObject({
      message: 'Prediction failed: TypeError: x (handler.js:3)',
    })
    expect(verbose.logs).toMatchObject([{ level: 'error', fields: { where: 'handler.js:3' } }])
  })

  test('as torchserve a status of the handler keeps its one type', async () => {
    answering(() => failed('rejected', 404, 'no such row'))
    const drop = memoryHttp(serving, { profile: 'torchserve' })
    expect((await drop.send('inference', 'GET /predictions/it')).json).toEqual({
      code: 404,
      type: 'InternalServerException',
      message: 'no such row',
    })
  })

  test.each([
    ['/predictions/none', 'Model not found: none', 'Models that exist: noop'],
    [
      '/predictions/noop/9',
      'Model version: 9 does not exist for model: noop',
      'Versions that exist: 1.0, 2.0',
    ],
  ])('%s: the original text, and what exists', async (path, text, hint) => {
    const marina = await http.send('inference', `GET ${path}`)
    expect(marina.json).toMatchObject({ code: 404, message: `${text}. ${hint}` })
    const drop = memoryHttp(serving, { profile: 'torchserve' })
    expect((await drop.send('inference', `GET ${path}`)).json).toMatchObject({ code: 404, message: text })
  })

  test('a defect is 500, logged with its stack, and tells nothing', async () => {
    answering(() => {
      throw new TypeError('secret')
    })
    const { json } = await http.send('inference', 'GET /predictions/it')
    expect(json).toMatchObject({ code: 500, message: 'Internal server error.' })
    expect(http.logs[0]?.fields['error']).toContain('TypeError: secret')
  })
})
