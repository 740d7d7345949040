/** Bodies at the limit, in as many pieces as can be, and together more than a server may hold: over real sockets. */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KeepAliveClient } from '../support/keep-alive-client.js'
import { rawConnection, rawExchange } from '../support/raw-http.js'
import { ServerTests, type Served } from '../support/served.js'

const LIMIT = 3_000_000
const BUDGET = 64 * 2 ** 20
const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  // Answers with the length and the first bytes.
  const measure = `export default { inference: async (rows, state, jobs) => Promise.all(jobs.map(async (job) => {
    const data = Buffer.from(job.input.parts[0]?.data ?? [])
    return job.input.parts.length + ' parts, ' + data.length + ' bytes, ' + data.subarray(0, 3).toString('hex')
  })) }`
  const limits = ['--max-request-size', String(LIMIT), '--max-buffered-size', String(BUDGET)]
  served = await tests.serve([await tests.archive('measure', measure), ...limits])
})
afterAll(() => tests.close())

const portOf = (role: 'inference' | 'management') => Number(new URL(served[role]).port)
const HOST = 'Host: a\r\n'
const JSON_TYPE = 'Content-Type: application/json\r\n'
/** Of registrations: JSON of any length, of a model that is not there. */
const json = (bytes: number) =>
  '{"url":"none.mar","x":"' + 'x'.repeat(bytes - '{"url":"none.mar","x":""}'.length) + '"}'

const calls = [
  {
    role: 'inference',
    line: 'POST /predictions/measure',
    body: (bytes: number) => 'x'.repeat(bytes),
    good: 200,
  },
  { role: 'management', line: 'POST /models', body: json, good: 404 },
] as const
const framings = {
  'a length': (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`,
  'one chunk': (body: string) =>
    `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  chunks: (body: string) => {
    const pieces = body.match(/.{1,70000}/g) ?? []
    return `Transfer-Encoding: chunked\r\n\r\n${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`
  },
}

describe.each(calls)('$line', ({ role, line, body, good }) => {
  describe.each(Object.entries(framings))('with %s', (_, framed) => {
    test.each([-1, 0])('a body of the limit %+i is taken', async (more) => {
      const client = await KeepAliveClient.connect(portOf(role))
      client.send(`${line} HTTP/1.1\r\n${HOST}${JSON_TYPE}${framed(body(LIMIT + more))}`)
      const answer = await client.answer()
      expect(answer.status).toBe(good)
      if (good === 200) {
        expect([answer.body, answer.closes]).toEqual([`1 parts, ${LIMIT + more} bytes, 787878`, false])
        expect((await client.post('/predictions/measure', 'again')).body).toBe('1 parts, 5 bytes, 616761')
      }
      client.close()
    })

    test('a body of one byte more is answered 413, and the connection is closed', async () => {
      const bytes = `${line} HTTP/1.1\r\n${HOST}${JSON_TYPE}${framed(body(LIMIT + 1))}`
      const answer = await rawExchange(portOf(role), bytes)
      expect(answer).toMatch(
        /^HTTP\/1\.1 413 Request Entity Too Large\r\n[^]*connection: close[^]*limit of 3000000 bytes/,
      )
    })
  })
})

const predict = (headers: string, body: string | Uint8Array) =>
  Buffer.concat([
    Buffer.from(
      `POST /predictions/measure HTTP/1.1\r\n${HOST}Connection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n`,
    ),
    Buffer.from(body),
  ])

test('a million chunks of one byte are one body', async () => {
  const connection = await rawConnection(served.port)
  connection.send(
    `POST /predictions/measure HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  for (let i = 0; i < 100; i++) connection.send('1\r\nx\r\n'.repeat(10_000))
  connection.send('0\r\n\r\n')
  expect(await connection.closed).toMatch(/^HTTP\/1\.1 200[^]*1 parts, 1000000 bytes, 787878$/)
})

test('a compressed body stays as it is', async () => {
  const bomb = gzipSync(Buffer.alloc(2 ** 28))
  const answer = await rawExchange(served.port, predict('Content-Encoding: gzip\r\n', bomb))
  expect(answer).toContain(`1 parts, ${bomb.length} bytes, 1f8b08`)
})

const multipart = (boundary: string, parts: number) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n`.repeat(parts) +
  `--${boundary}--\r\n`
const type = (boundary: string) => `Content-Type: multipart/form-data; boundary=${boundary}\r\n`

test.each([
  ['a thousand parts', 'x', multipart('x', 1000), /^HTTP\/1\.1 200/],
  ['a hundred thousand parts', 'x', multipart('x', 40_000), /^HTTP\/1\.1 400[^]*more than 1000 parts/],
  [
    'a boundary of 8,000 characters',
    '-'.repeat(8000),
    '-'.repeat(LIMIT),
    /^HTTP\/1\.1 400[^]*boundary is longer than 200/,
  ],
  [
    'a body that is all but boundary',
    'a'.repeat(199),
    `--${'a'.repeat(199)}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${'a'.repeat(2_000_000)}`,
    /^HTTP\/1\.1 200/,
  ],
])('%s', async (_, boundary, body, answer) => {
  expect(await rawExchange(served.port, predict(type(boundary), body))).toMatch(answer)
})

test('a flood of large bodies is refused where it is too much, and the memory stays within the budget', async () => {
  const peak = () =>
    Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${served.pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024
  const before = peak()
  // All but the last byte of each: none can be answered before some are refused.
  const most = predict('', Buffer.alloc(LIMIT, 'x')).subarray(0, -1)
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawConnection(served.port)))
  for (const client of clients) client.send(most)
  expect(await Promise.any(clients.map(({ closed }) => closed))).toMatch(/^HTTP\/1\.1 503/)
  for (const client of clients) client.send('x')
  const answers = await Promise.all(clients.map(({ closed }) => closed))
  expect(answers.some((answer) => answer.startsWith('HTTP/1.1 200'))).toBe(true)
  for (const answer of answers)
    expect(answer).toMatch(
      /^HTTP\/1\.1 (200|503[^]*Retry-After: 1[^]*holds as many request bodies as it may)/,
    )
  console.log(
    `100 bodies of 3 MB at once, budget 64 MiB: ${before.toFixed(0)} MB before, ${peak().toFixed(0)} MB at the peak`,
  )
  // Twice: a body's pieces are joined. What the collector has not taken yet comes on top.
  expect(peak() - before).toBeLessThan((3 * BUDGET) / 2 ** 20)
  expect(await rawExchange(served.port, predict('', 'after'))).toContain('1 parts, 5 bytes')
})
