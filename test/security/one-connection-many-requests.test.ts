/** Pipelining: requests that are sent before the answers to those in front of them have come. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { HttpHandler, HttpResponse } from '../../src/http/message.js'
import { startListening, type Listening } from '../support/listening.js'
import { rawConnection, rawExchange } from '../support/raw-http.js'

const HOST = 'Host: a\r\n'
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`

const whole = (body: string, status = 200): HttpResponse => ({ kind: 'whole', status, headers: [], body })

let release: () => void
/** `/slow` waits for the test, `/none` is 404; all others answer with target and body. */
const handle: HttpHandler = async (request) => {
  const body = Buffer.from(await request.body()).toString()
  if (request.target === '/slow') await slow
  return request.target === '/none' ? whole('nothing here', 404) : whole(`[${request.target} ${body}]`)
}
let slow: Promise<void>
let server: Listening
beforeEach(async () => {
  slow = new Promise((resolve) => (release = resolve))
  server = await startListening(handle)
})
afterEach(() => server.listener.close(AbortSignal.abort()))

const bodies = (received: string) => received.match(/\[.*?\]/g) ?? []

test('answers come in the order of the requests, also when the first one is slow', async () => {
  const connection = await rawConnection(server.port)
  connection.send(get('/slow') + post('/b', 'one') + get('/c') + post('/d', 'two'))
  await expect.poll(() => server.seen.length).toBe(4)
  expect(connection.received()).toBe('')
  release()
  await connection.untilTrue(() => bodies(connection.received()).length === 4)
  expect(bodies(connection.received())).toEqual(['[/slow ]', '[/b one]', '[/c ]', '[/d two]'])
  connection.socket.destroy()
})

test('HEAD and methods that no route has stand between others without shifting an answer', async () => {
  const connection = await rawConnection(server.port)
  const patch = `PATCH /p HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`
  connection.send(`${get('/a')}HEAD /h HTTP/1.1\r\n${HOST}\r\n${patch}${get('/z')}`)
  await connection.until(/\[\/z \]/)
  const received = connection.received()
  expect(bodies(received)).toEqual(['[/a ]', '[/p abc]', '[/z ]'])
  expect(received.match(/content-length: \d+/g)).toHaveLength(4)
  connection.socket.destroy()
})

test('an error is the last answer, and what stands behind it is not answered', async () => {
  const answer = await rawExchange(server.port, get('/a') + get('/none') + get('/b') + get('/c'))
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404'])
  expect(answer).toMatch(/connection: close\r\n\r\nnothing here$/)
})

test('what comes behind an error is not even run', async () => {
  const connection = await rawConnection(server.port)
  connection.send(`POST /none HTTP/1.1\r\n${HOST}Content-Length: ${2 ** 20 + 1}\r\n\r\n`)
  await connection.until(/413[^]*\}\n$/)
  connection.send('x'.repeat(2 ** 20 + 1) + post('/b', 'late'))
  await connection.closed
  expect(server.seen).toEqual([])
})

test('a broken request in the middle is refused behind the answers to those before it', async () => {
  const connection = await rawConnection(server.port)
  connection.send(get('/slow') + get('/b') + 'nonsense\r\n\r\n' + get('/c'))
  await expect.poll(() => server.seen.length).toBe(2)
  release()
  const answer = await connection.closed
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'])
  expect(server.seen).toEqual(['GET /slow', 'GET /b'])
})

test('a body that breaks off in the middle takes the refusal for its own answer', async () => {
  const broken = `POST /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n`
  const answer = await rawExchange(server.port, get('/a') + broken + get('/c'))
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  expect(server.seen).toEqual(['GET /a', 'POST /b'])
})

test('two thousand requests in one write are all answered, in order', async () => {
  const connection = await rawConnection(server.port)
  const paths = Array.from({ length: 2000 }, (_, i) => `/${i}`)
  connection.send(paths.map(get).join(''))
  await connection.until(/\[\/1999 \]$/)
  expect(bodies(connection.received())).toEqual(paths.map((path) => `[${path} ]`))
  connection.socket.destroy()
})

test('a client that hangs up in the middle leaves nothing that is held', async () => {
  const connection = await rawConnection(server.port)
  connection.send(get('/slow') + post('/b', 'x'.repeat(1000)) + post('/c', 'y'.repeat(1000)))
  await expect.poll(() => server.heldBytes()).toBe(2000)
  connection.socket.destroy()
  await expect.poll(() => server.heldBytes()).toBe(0)
})
