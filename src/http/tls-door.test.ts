/** HTTPS over real sockets (contract security B2): who comes in, who does not, and what plain HTTP is told. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { connect, type ConnectionOptions } from 'node:tls'
import type { IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeCertificate, type TestCertificate } from '../../test/support/certificates.js'
import { rawConnection, rawExchange } from '../../test/support/raw-http.js'
import { manualClock, type ManualClock } from '../clock.js'
import type { TcpAddress } from '../config/config.js'
import { defaultConfig } from '../config/load.js'
import { memoryLogger } from '../log.js'
import { createByteBudget } from './body.js'
import { listen, type Listener } from './listener.js'
import type { HttpHandler } from './message.js'
import { readTlsMaterial } from './tls-material.js'

let dir = ''
let certificate: TestCertificate
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'marina-tls-'))
  certificate = makeCertificate(dir, 'server')
})
afterAll(() => rmSync(dir, { recursive: true }))

let listener: Listener<TcpAddress>
let clock: ManualClock
let port = 0
let statuses: number[] = []
let handle: HttpHandler
beforeEach(async () => {
  statuses = []
  clock = manualClock()
  handle = async (asked) => ({ kind: 'whole', status: 200, headers: [], body: await asked.body() })
  const https = { host: '127.0.0.1', port: 0, tls: true }
  const tls = await readTlsMaterial({
    ...defaultConfig('torchserve'),
    inferenceAddress: https,
    privateKeyFile: certificate.keyFile,
    certificateFile: certificate.certificateFile,
  })
  listener = await listen(https, {
    handle: (asked, stream) => handle(asked, stream),
    clock,
    log: memoryLogger([]),
    budget: createByteBudget(2 ** 24),
    maxRequestBytes: 2 ** 23,
    cors: [],
    countStatus: (status) => void statuses.push(status),
    countHangUp: () => undefined,
    tls,
  })
  port = listener.address.port
})
afterEach(() => listener.close(AbortSignal.abort()))

async function post(body: string): Promise<{ status: number | undefined; body: string }> {
  const sent = request({ host: '127.0.0.1', port, ca: certificate.pem, method: 'POST', agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await textOf(response) }
}

const handshake = async (options: ConnectionOptions) => {
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.pem, ...options })
  await once(socket, 'secureConnect')
  return socket
}

test('a client that trusts the certificate is answered, bodies of any size whole', async () => {
  expect(await post('hello')).toEqual({ status: 200, body: 'hello' })
  const large = 'x'.repeat(3 * 2 ** 20)
  expect((await post(large)).body.length).toBe(large.length)
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken, and HTTP/1.1 on it', async (version) => {
  const socket = await handshake({
    minVersion: version,
    maxVersion: version,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  expect(socket.getProtocol()).toBe(version)
  expect(socket.alpnProtocol).toBe('http/1.1')
  socket.destroy()
})

test('TLS 1.1 is refused', async () => {
  const old: ConnectionOptions = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  }
  await expect(handshake(old)).rejects.toThrow(/version|protocol/i)
})

test('the cipher of the original is there', async () => {
  const ciphers = 'ECDHE-RSA-AES128-GCM-SHA256'
  const socket = await handshake({ ciphers, maxVersion: 'TLSv1.2' })
  expect(socket.getCipher().name).toBe(ciphers)
  socket.destroy()
})

test.each(['GET /ping', 'FOO /', 'PUT /models/x'])('plain HTTP is told to use HTTPS: %s', async (line) => {
  const answer = await rawExchange(port, `${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  expect(answer).toMatch(
    /^HTTP\/1\.1 403 Forbidden\r\n[^]*content-type: application\/json\r\n[^]*connection: close/,
  )
  expect(answer).toMatch(/\{\n {2}"status": "This TorchServe instance only accepts HTTPS requests"\n\}\n$/)
  expect(statuses).toEqual([403])
})

test('a plain client that never reads or hangs up is cut off', async () => {
  const connection = await rawConnection(port)
  connection.socket.allowHalfOpen = true
  connection.send('GET / HTTP/1.1\r\n')
  await connection.until(/HTTPS requests/)
  connection.send('X: swallowed\r\n')
  clock.advance(2001)
  // Its side of the connection is closed already: only what is still sent shows that nobody is there any more.
  await expect.poll(() => (connection.send('more'), connection.socket.closed)).toBe(true)
})

test('who says nothing, or breaks off the handshake, holds no socket', async () => {
  const silent = await rawConnection(port)
  const broken = await rawConnection(port)
  broken.send(Buffer.from([22, 3, 1, 0, 200])) // the head of a record that does not come
  const whole = await handshake({})
  whole.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(whole, 'data')
  clock.advance(10_001)
  await Promise.all([silent.closed, broken.closed])
  whole.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(await textOf(whole)).toMatch(/^HTTP\/1\.1 200/)
})

test('bytes that only look like a handshake end the connection and nothing else', async () => {
  const answer = await rawExchange(port, Buffer.concat([Buffer.from([22]), Buffer.alloc(300, 7)]))
  expect(answer).not.toContain('HTTP/1.1')
  expect((await post('still there')).body).toBe('still there')
})

test('stopping answers what has arrived, and waits for nobody who has only connected', async () => {
  let release: () => void = () => undefined
  const arrived = new Promise<void>((resolve) => {
    handle = async () => {
      resolve()
      await new Promise<void>((free) => (release = free))
      return { kind: 'whole', status: 200, headers: [], body: 'late' }
    }
  })
  const silent = await rawConnection(port)
  const answer = post('x')
  await arrived
  const closed = listener.close(new AbortController().signal)
  await expect.poll(() => (clock.advance(200), silent.socket.closed)).toBe(true)
  release()
  expect((await answer).body).toBe('late')
  await closed
})
