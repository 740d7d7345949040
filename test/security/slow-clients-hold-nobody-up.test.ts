/** Clients that send or read as slowly as they can: they are given up in time, and nobody else waits for them. */
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpHandler } from '../../src/http/message.js'
import { manualClock } from '../../src/clock.js'
import { crowdOf } from '../support/crowd.js'
import { echo, startListening, type Listening } from '../support/listening.js'
import { rawConnection, rawExchange, type RawConnection } from '../support/raw-http.js'

let server: Listening | undefined
afterEach(() => server?.listener.close(AbortSignal.abort()))
const listening = async (...args: Parameters<typeof startListening>) =>
  (server = await startListening(...args))

const HOST = 'Host: a\r\n'
const post = (body: string, more = 'Connection: close\r\n') =>
  `POST / HTTP/1.1\r\n${HOST}${more}Content-Length: ${body.length}\r\n\r\n${body}`

describe('a head', () => {
  test.each(['', 'GET / HTTP/1.1\r\nHost: a\r\n', 'GET /'])(
    'that does not come whole (%j) is answered 408',
    async (start) => {
      const { port } = await listening(echo, { headTimeoutMs: 200 })
      const answer = await rawExchange(port, start)
      expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close[^]*"code": 408/)
    },
  )

  test('that comes byte for byte is answered 408, however busily it drips', async () => {
    const { port, seen } = await listening(echo, { headTimeoutMs: 300 })
    const connection = await rawConnection(port)
    connection.send('GET / HTTP/1.1\r\nX: ')
    const drip = setInterval(() => connection.send('a'), 20)
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408/)
    clearInterval(drip)
    expect(seen).toEqual([])
  })

  test('in time is answered however long the answer takes', async () => {
    let release: () => void = () => undefined
    let arrive: (hasArrived: true) => void = () => undefined
    const arrived = new Promise<true>((resolve) => (arrive = resolve))
    const answer: HttpHandler = async (request, stream) => {
      arrive(true)
      await new Promise<void>((resolve) => (release = resolve))
      return echo(request, stream)
    }
    const { port } = await listening(answer, { headTimeoutMs: 100, stallTimeoutMs: 100 })
    let connection: RawConnection
    // Where this process itself is held up the head is late, and sent again.
    do {
      connection = await rawConnection(port)
      connection.send(post('hi'))
    } while (!(await Promise.race([arrived, connection.closed.then(() => false)])))
    // Another head takes its whole time meanwhile, so that the limit has passed for this request too.
    expect(await rawExchange(port, 'GET /')).toMatch(/^HTTP\/1\.1 408/)
    release()
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 200[^]*hi$/)
  })
})

describe('a body', () => {
  const HEAD = `POST / HTTP/1.1\r\n${HOST}Content-Length: 500000\r\n\r\n`
  const CHUNKS = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`

  /** A minute passes, once `bytes` of bodies have come. */
  async function minuteAfter(bytes: number, clock: ReturnType<typeof manualClock>) {
    await expect.poll(() => server?.heldBytes()).toBe(bytes)
    clock.advance(60_000)
  }

  test.each([
    ['with a length', HEAD, 'x'],
    ['in chunks', CHUNKS, '1\r\nx\r\n'],
  ])('%s that trickles in is answered 408, and gives back what it held', async (_, head, piece) => {
    const clock = manualClock()
    const { port, heldBytes } = await listening(echo, { clock })
    const connection = await rawConnection(port)
    connection.send(head + piece)
    await minuteAfter(1, clock)
    connection.send(piece.repeat(100))
    await minuteAfter(101, clock)
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408[^]*did not arrive in time/)
    expect(heldBytes()).toBe(0)
  })

  test('that comes slowly but steadily is taken, for hours if need be', async () => {
    const clock = manualClock()
    const { port } = await listening(echo, { clock })
    const connection = await rawConnection(port)
    connection.send(HEAD)
    for (let sent = 62_500; sent <= 500_000; sent += 62_500) {
      connection.send('x'.repeat(62_500))
      if (sent < 500_000) await minuteAfter(sent, clock)
    }
    await connection.untilTrue(() => connection.received().endsWith('x'.repeat(500_000)))
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200/)
    connection.socket.destroy()
  })
})

describe('an answer', () => {
  const large = Buffer.alloc(2 ** 25)
  const LARGE: HttpHandler = () => ({ kind: 'whole', status: 200, headers: [], body: large })
  const STREAM: HttpHandler = async (_, stream) => {
    stream.open({ status: 200, headers: [] })
    await stream.write(large)
    return { kind: 'streamed' }
  }

  test.each([
    ['whole', LARGE],
    ['in pieces', STREAM],
  ])('%s that nobody fetches is broken off', async (_, handle) => {
    const { port } = await listening(handle, { stallTimeoutMs: 200 })
    const connection = await rawConnection(port)
    connection.socket.pause()
    connection.send(`GET / HTTP/1.1\r\n${HOST}\r\n`)
    await connectionsOf(0)
    connection.socket.resume()
    expect((await connection.closed).length).toBeLessThan(large.length)
  })

  test('that is fetched is not, and its connection stays', async () => {
    const clock = manualClock()
    const { port } = await listening(LARGE, { clock, stallTimeoutMs: 1000 })
    const connection = await rawConnection(port)
    for (let turn = 0; turn < 3; turn++) {
      connection.send(`GET / HTTP/1.1\r\n${HOST}\r\n`)
      await connection.untilTrue(() => connection.received().length > (turn + 0.1) * large.length)
      clock.advance(1000)
      await connection.untilTrue(() => connection.received().length > (turn + 1) * large.length)
    }
    connection.socket.destroy()
  })
})

/** Resolves when the listener has this many connections. */
async function connectionsOf(count: number): Promise<void> {
  await expect.poll(() => server?.listener.connections(), { timeout: 60_000 }).toBe(count)
}

test('beside two thousand idle connections, others are answered, and the idle ones stay', async () => {
  const { port, statuses } = await listening()
  const crowd = await crowdOf(port, { idle: 2000, busy: 100 })
  expect(new Set(await crowd.askAll('/', 10))).toEqual(new Set([200]))
  expect([statuses.length, crowd.idleOnesOpen()]).toEqual([1000, 2000])
  crowd.close()
  await connectionsOf(0)
})

test('while hundreds are slow in every way, the others are answered', async () => {
  const clock = manualClock()
  const { port, statuses } = await listening(echo, { clock })
  const slow: RawConnection[] = []
  const starts = ['', 'GET /', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\nx`]
  for (let i = 0; i < 600; i++) {
    const connection = await rawConnection(port)
    connection.send(starts[i % 3] ?? '')
    slow.push(connection)
  }
  await expect.poll(() => server?.heldBytes()).toBe(200)
  for (let i = 0; i < 50; i++) expect(await rawExchange(port, post(`good ${i}`))).toContain(`good ${i}`)
  expect(statuses).toEqual(Array.from({ length: 50 }, () => 200))
  for (const { socket } of slow) socket.destroy()
})

test('beyond max_connections a connection is closed at once, and the others go on', async () => {
  const { port, logs } = await listening(echo, { maxConnections: 3 })
  const kept = await Promise.all([1, 2, 3].map(() => rawConnection(port)))
  await connectionsOf(3)
  const extra = await rawConnection(port)
  expect(await extra.closed).toBe('')
  expect(await (await rawConnection(port)).closed).toBe('')
  expect(logs.map(({ message }) => message)).toEqual([
    'More than 3 connections (max_connections): further ones are closed at once.',
  ])
  for (const connection of kept) connection.send(post('still here'))
  for (const connection of kept) expect(await connection.closed).toContain('still here')
  await connectionsOf(0)
  expect(await rawExchange(port, post('room again'))).toContain('room again')
})
