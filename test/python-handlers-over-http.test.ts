/** Python handlers behind a whole server: what clients send, what handlers get, and what comes back (contract python-handlers). */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressUrl } from '../src/config/config.js'
import { memoryLogger, type LogRecord } from '../src/log.js'
import type { RunningServer } from '../src/server.js'
import { OwnServers } from './support/own-servers.js'

const servers = new OwnServers()
afterAll(() => servers.close())
const records: LogRecord[] = []
let server: RunningServer

/** Does what the body says, so that one model shows every way of answering. */
const ANSWERS = `
import math, sys, logging
from ts.utils.util import PredictionException
from ts.handler_utils.utils import send_intermediate_predict_response
from ts.protocol.otf_message_handler import send_intermediate_predict_response as send_old

class Custom: pass

def deep():
    a = []
    a.append(a)
    return a

VALUES = {
    "bytes": b"\\x00\\xff", "bytearray": bytearray(b"ab"), "str": "\\u017elu\\u0165", "empty": "",
    "dict": {"a": [1, 2.5], "\\u00e9": None}, "list": [1, [2]], "tuple": (1, 2), "int": 7, "float": 0.5, "true": True,
    "none": None, "nan": math.nan, "object": Custom(), "circular": deep(),
}
def memory(): raise MemoryError("full")
def cuda(): raise RuntimeError("CUDA error: device lost")
def value(): raise ValueError("bad input")
def custom(): raise PredictionException("not like this", 422)
def odd(): raise PredictionException("odd", 599)
def large(): raise PredictionException("too large", 413)
RAISES = {f.__name__: f for f in (memory, cuda, value, custom, odd, large)}
RETURNS = {"no list": ("a",), "too few": [], "too many": ["a"] * 9, "nothing": None, "generator": (x for x in "a")}

def handle(data, context):
    if data is None: return
    if context.get_request_header(0, "describe") == "True": return [{}]
    words = [bytes(row["body"]).decode() for row in data]
    for word in words:
        if word in RAISES: RAISES[word]()
        if word in RETURNS: return RETURNS[word]
    out = []
    for idx, word in enumerate(words):
        if word == "teapot":
            context.set_response_status(418, "I am a teapot", idx)
            context.set_response_header(idx, "X-Pot", "short")
            out.append("short and stout")
        elif word == "typed":
            context.set_response_content_type(idx, "text/csv")
            out.append("a,b")
        elif word == "old":
            context.request_processor[idx].report_status(202, "Taken")
            out.append(str(context.request_processor[idx].get_request_property("X-Mine")))
        elif word == "bad header":
            context.set_response_header(idx, "X-Bad", "a\\nb")
            out.append("x")
        elif word == "stream":
            context.set_response_content_type(idx, "text/event-stream")
            own = {idx: context.get_request_id(idx)}
            send_intermediate_predict_response(["ab"], own, "ok", 200, context)
            send_old(["cd"], own, "ok", 200, context)
            out.append("ef")
        else:
            out.append(VALUES.get(word, word))
    return out
`

/** Tells what it got. */
const SEES = `
def kind(value): return [type(value).__name__, value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value]
def handle(data, context):
    if data is None: return
    return [{
        "row": {name: kind(value) for name, value in row.items()},
        "headers": context.get_all_request_header(idx),
        "exact": context.get_request_header(idx, "X-Mine"), "other": context.get_request_header(idx, "x-mine"),
        "id": context.get_request_id(idx),
    } for idx, row in enumerate(data)]
`

beforeAll(async () => {
  server = await servers.start({
    profile: 'torchserve',
    flags: { workers: '1', 'batch-size': '4', 'model-store': servers.folder, tokens: 'false' },
    models: [await servers.archive('answers', ANSWERS), await servers.archive('sees', SEES)],
    log: memoryLogger(records),
  })
  const ready = await server.workersReady
  expect(ready.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
})

interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly chunks: readonly string[]
}

function call(
  path: string,
  body: string | Buffer = '',
  { headers = {}, method = 'POST' }: { headers?: Record<string, string>; method?: string } = {},
): Promise<Reply> {
  const url = addressUrl(server.addresses.inference) + path
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status = 0, statusMessage: reason = '', headers } = response
        const body = Buffer.concat(chunks).toString('latin1')
        resolve({ status, reason, headers, body, chunks: chunks.map((chunk) => chunk.toString('latin1')) })
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const answer = (word: string, options = {}) => call('/predictions/answers', word, options)
const failure = (code: number, message: string) => ({ code, type: 'InternalServerException', message })
const pidOf = () => server.catalog.describe('answers', undefined)[0]?.workers[0]?.pid

describe('what a handler returns', () => {
  test.each([
    ['bytes', '\0\xff'],
    ['bytearray', 'ab'],
    ['str', Buffer.from('žluť').toString('latin1')],
    ['empty', ''],
    ['dict', '{\n  "a": [\n    1,\n    2.5\n  ],\n  "\\u00e9": null\n}'],
    ['list', '[\n  1,\n  [\n    2\n  ]\n]'],
    ['tuple', '[\n  1,\n  2\n]'],
    ['int', '7'],
    ['float', '0.5'],
    ['true', 'true'],
    ['none', 'null'],
    ['nan', 'NaN'],
  ])('as %s is the body, without a content type', async (word, body) => {
    const reply = await answer(word)
    expect([reply.status, reply.reason, reply.body]).toEqual([200, '', body])
    expect(reply.headers['content-type']).toBeUndefined()
  })

  test('with a status, a reason phrase and headers of its own goes out with them', async () => {
    const teapot = await answer('teapot')
    expect([teapot.status, teapot.reason, teapot.body]).toEqual([418, 'I am a teapot', 'short and stout'])
    expect(teapot.headers).toMatchObject({ 'x-pot': 'short', connection: 'close' })
    expect((await answer('typed')).headers['content-type']).toBe('text/csv')
    const old = await answer('old', { headers: { 'X-Mine': 'seen' } })
    expect([old.status, old.reason, old.body]).toEqual([202, 'Taken', 'seen'])
  })

  test('in pieces is streamed, with status and headers of the first', async () => {
    const reply = await answer('stream')
    expect([reply.status, reply.body]).toEqual([200, 'abcdef'])
    expect(reply.headers).toMatchObject({
      'transfer-encoding': 'chunked',
      ts_stream_next: 'true',
      'content-type': 'text/event-stream',
    })
  })

  test('for the requests of one batch is told apart', async () => {
    const words = ['teapot', 'int', 'typed', 'stream', 'stream', 'dict']
    const replies = await Promise.all(words.map((word) => answer(word)))
    expect(replies.map(({ status }) => status)).toEqual([418, 200, 200, 200, 200, 200])
    expect(replies.map(({ body }) => body.slice(0, 6))).toEqual([
      'short ',
      '7',
      'a,b',
      'abcdef',
      'abcdef',
      '{\n  "a',
    ])
  })
})

describe('what a handler raises', () => {
  test.each([
    ['memory', 507, 'Out of resources'],
    ['cuda', 507, 'Out of resources'],
    ['value', 503, 'Prediction failed'],
    ['custom', 422, 'not like this'],
    ['odd', 599, 'odd'],
    ['large', 507, 'too large'],
    ['no list', 503, 'Invalid model predict output'],
    ['nothing', 503, 'Invalid model predict output'],
    ['generator', 503, 'Invalid model predict output'],
    ['too few', 503, 'number of batch response mismatched'],
    ['too many', 503, 'number of batch response mismatched'],
    ['object', 503, 'Unsupported model output data type.'],
    ['circular', 503, 'Unsupported model output data type.'],
  ])(
    'or returns wrongly as "%s" is answered as TorchServe does, and the worker lives on',
    async (word, status, text) => {
      const pid = pidOf()
      const reply = await answer(word)
      expect([reply.status, JSON.parse(reply.body)]).toEqual([status, failure(status, text)])
      expect((await answer('int')).body).toBe('7')
      expect(pidOf()).toBe(pid)
    },
  )

  test('is logged once with its trace, for the people who look for these words', async () => {
    const before = records.length
    await answer('value')
    // Beside the logs of metrics and of answers.
    const since = records.slice(before).filter(({ fields }) => fields['logger'] === undefined)
    expect(since).toHaveLength(1)
    const logged = since.find(({ message }) => message.startsWith('Invoking custom service failed.'))
    expect(logged?.fields).toMatchObject({ where: expect.stringMatching(/^handler\.py:\d+$/) as string })
    expect(logged?.message).toContain('ValueError: bad input')
    expect(logged?.message).toMatch(/handler\.py", line \d+, in value/)
    expect(logged?.message).not.toContain('marina_worker')
  })

  test('as a header that none can be is refused, naming it', async () => {
    const reply = await answer('bad header')
    expect(reply.status).toBe(503)
    expect(reply.body).toContain('X-Bad')
  })
})

interface Seen {
  readonly row: Readonly<Record<string, [string, unknown]>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly exact: string | null
  readonly other: string | null
  readonly id: string
}

async function seen(path: string, body: string | Buffer, headers: Record<string, string>): Promise<Seen> {
  const reply = await call(path, body, { headers })
  return JSON.parse(reply.body) as Seen
}

const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value))

describe('what a handler gets', () => {
  test.each([
    ['bytes', every, 'image/png', { body: ['bytearray', every.toString('latin1')] }],
    ['JSON', '{"a": 1}', 'application/json; charset=utf-8', { body: ['dict', { a: 1 }] }],
    ['broken JSON', '{"a": 1', 'application/json', { body: ['bytearray', '{"a": 1'] }],
    ['text', 'žluť', 'text/plain', { body: ['str', 'žluť'] }],
    [
      'a form that curl made of JSON',
      '{"a":1}=',
      'application/x-www-form-urlencoded',
      { '{"a":1}': ['bytearray', ''] },
    ],
    [
      'a form',
      'data=a%00%ff+b&b=2',
      'application/x-www-form-urlencoded',
      {
        data: ['bytearray', 'a\0\xff b'],
        b: ['bytearray', '2'],
      },
    ],
  ])('of a body of %s', async (_, body, contentType, row) => {
    expect((await seen('/predictions/sees', body, { 'Content-Type': contentType })).row).toEqual(row)
  })

  test('of a body without a type, and of none', async () => {
    expect((await seen('/predictions/sees', '{}', {})).row).toEqual({ body: ['bytearray', '{}'] })
    expect((await seen('/predictions/sees', '', {})).row).toEqual({ body: ['bytearray', ''] })
  })

  test('of a multipart form: types count where there is a file name, the last of a name wins', async () => {
    const part = (head: string, data: string | Buffer) =>
      Buffer.concat([
        Buffer.from(`--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
        Buffer.from(data),
        Buffer.from('\r\n'),
      ])
    const body = Buffer.concat([
      part('name="a"; filename="a.bin"\r\nContent-Type: application/octet-stream', every),
      part('name="t"; filename="t.txt"\r\nContent-Type: text/plain', 'note'),
      part('name="plain"\r\nContent-Type: application/json', '{}'),
      part('name="twice"', '1'),
      part('name="twice"', '2'),
      Buffer.from('--B--\r\n'),
    ])
    const { row, headers } = await seen('/predictions/sees', body, {
      'Content-Type': 'multipart/form-data; boundary=B',
    })
    expect(row).toEqual({
      a: ['bytearray', every.toString('latin1')],
      t: ['str', 'note'],
      plain: ['bytearray', '{}'],
      twice: ['bytearray', '2'],
    })
    expect(headers).toMatchObject({
      t: { 'content-type': 'text/plain' },
      a: { 'content-type': 'application/octet-stream' },
    })
  })

  test('of a query depends on the route', async () => {
    expect((await seen('/predictions/sees?q=1', 'x', {})).row).toEqual({ body: ['bytearray', 'x'] })
    expect((await seen('/models/sees/invoke?q=1', 'x', {})).row).toEqual({
      q: ['bytearray', '1'],
      body: ['bytearray', 'x'],
    })
  })

  test('of headers is the client’s own spelling, and the server’s additions', async () => {
    const found = await seen('/predictions/sees/1.0/deep/er', 'x', { 'X-Mine': 'yes' })
    expect([found.exact, found.other]).toEqual(['yes', null])
    expect(found.headers).toMatchObject({
      explain: 'False',
      url_path: 'deep/er',
      body: { 'content-type': '' },
    })
    const reply = await call('/explanations/sees', 'x')
    expect((JSON.parse(reply.body) as Seen).headers).toMatchObject({ explain: 'True' })
    expect((JSON.parse(reply.body) as Seen).id).toBe(reply.headers['x-request-id'])
  })
})

describe('a server', () => {
  test('describes a Python model with what its handler adds', async () => {
    const url = addressUrl(server.addresses.management)
    const response = await fetch(`${url}/models/answers?customized=true`)
    expect(await response.json()).toMatchObject([
      { modelName: 'answers', runtime: 'python', customizedMetadata: {} },
    ])
  })

  test('says at the registration that the Python it was told to use cannot be used', async () => {
    const { folder } = servers
    const flags = { 'model-store': folder, python: join(folder, 'absent') }
    await expect(servers.start({ flags, models: [join(folder, 'sees.mar')] })).rejects.toThrow(
      /^Python models need Python 3\.8 or newer, and .*absent \(from the setting python\) cannot be used: it is not there/,
    )
  })
})
