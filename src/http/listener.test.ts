/** The listener over real sockets: what the wire shows (contract rest-api §2, §3, §14), limits, stopping. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawConnection, rawExchange } from '../../test/support/raw-http.js'
import { manualClock, type ManualClock } from '../clock.js'
import type { TcpAddress } from '../config/config.js'
import { memoryLogger, type LogRecord } from '../log.js'
import { createByteBudget, type ByteBudget } from './body.js'
import { listen, type Listener } from './listener.js'
import type { HttpHandler, HttpRequest } from './message.js'

const LIMIT = 1000
let listener: Listener<TcpAddress>
let port: number
let clock: ManualClock
let handle: HttpHandler
let hangUps = 0
let statuses: number[]
let logs: LogRecord[]
let heldBytes = 0
const cors: string[] = []
const seen: HttpRequest[] = []

const text = (body: string | Uint8Array, status = 200) =>
  ({ kind: 'whole', status, headers: [], body }) as const
const echo: HttpHandler = async (request) => {
  seen.push(request)
  return text(await request.body())
}

/** A budget of which the test sees how much is taken. */
function watchedBudget(limitBytes: number): ByteBudget {
  const budget = createByteBudget(limitBytes)
  heldBytes = 0
  return {
    reserve: (bytes) => budget.reserve(bytes) && ((heldBytes += bytes), true),
    release: (bytes) => (budget.release(bytes), void (heldBytes -= bytes)),
  }
}

beforeEach(async () => {
  handle = echo
  clock = manualClock()
  statuses = []
  hangUps = 0
  logs = []
  seen.length = 0
  cors.length = 0
  listener = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      handle: (request, stream) => handle(request, stream),
      clock,
      log: memoryLogger(logs),
      budget: watchedBudget(2500),
      maxRequestBytes: LIMIT,
      cors,
      countStatus: (status) => void statuses.push(status),
      countHangUp: () => hangUps++,
    },
  )
  port = listener.address.port
})
afterEach(() => listener.close(AbortSignal.abort()))

const HOST = 'Host: localhost\r\n'
const get = (path = '/', more = '') => `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`
const post = (body: string, more = '') =>
  `POST / HTTP/1.1\r\n${HOST}${more}Content-Length: ${body.length}\r\n\r\n${body}`
const LAST = 'Connection: close\r\n'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('an answer', () => {
  test('has the contract’s headers and no others', async () => {
    const [head = '', body] = (await rawExchange(port, post('hi', LAST))).split('\r\n\r\n')
    const [line, id = '', ...rest] = head.split('\r\n')
    expect(line).toBe('HTTP/1.1 200 OK')
    expect(id.replace('x-request-id: ', '')).toMatch(UUID)
    expect(rest).toEqual([
      'Pragma: no-cache',
      'Cache-Control: no-cache; no-store, must-revalidate, private',
      'Expires: Thu, 01 Jan 1970 00:00:00 UTC',
      'content-length: 2',
      'connection: close',
    ])
    expect(body).toBe('hi')
  })

  test('has an id of its own, which the route saw, and not the client’s', async () => {
    const answer = await rawExchange(port, get('/', `x-request-id: mine\r\n${LAST}`))
    expect(answer).toContain(`x-request-id: ${seen[0]?.id ?? ''}`)
    expect(answer).not.toContain('mine')
  })

  test('may have an empty reason phrase', async () => {
    handle = () => ({ ...text('x'), reason: '' })
    expect(await rawExchange(port, get('/', LAST))).toMatch(/^HTTP\/1\.1 200 \r\n/)
  })

  test('below 400 keeps the connection, from 400 on closes it', async () => {
    const connection = await rawConnection(port)
    connection.send(get())
    expect(await connection.until(/connection: keep-alive\r\n/)).toMatch(/200 OK/)
    handle = () => text('no', 404)
    connection.send(get())
    expect(await connection.closed).toMatch(/404 Not Found[^]*connection: close/)
  })

  test('to HTTP/1.0 closes, unless the client asks to keep the connection', async () => {
    expect(await rawExchange(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200[^]*connection: close/)
    const connection = await rawConnection(port)
    connection.send('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n')
    await connection.until(/connection: keep-alive/)
    connection.socket.destroy()
  })

  test('to HEAD has a length and no body', async () => {
    handle = () => text('four')
    const answer = await rawExchange(port, `HEAD / HTTP/1.1\r\n${HOST}${LAST}\r\n`)
    expect(answer).toMatch(/content-length: 4\r\n[^]*\r\n\r\n$/)
  })

  test('with a header that cannot be written is 500, and the reason is in the log', async () => {
    handle = () => ({ ...text('x'), headers: ['a', 'b\r\nc: d'] })
    expect(await rawExchange(port, get())).toMatch(/^HTTP\/1\.1 500/)
    expect(logs[0]?.fields['error']).toContain('Invalid character in header')
  })

  test('is counted by its status', async () => {
    await rawExchange(port, get('/', LAST))
    await rawExchange(port, 'nonsense\r\n\r\n')
    expect(statuses).toEqual([200, 400])
  })
})

describe('CORS headers', () => {
  const ORIGIN = ['access-control-allow-origin', 'https://example.org']

  test('stand on answers, on errors, and on what is not HTTP', async () => {
    cors.push(...ORIGIN)
    handle = (request) => text('x', request.target === '/none' ? 404 : 200)
    for (const bytes of [get('/', LAST), get('/none'), 'nonsense\r\n\r\n', get(`/${'x'.repeat(5000)}`)])
      expect(await rawExchange(port, bytes)).toContain('access-control-allow-origin: https://example.org\r\n')
  })

  test('stand on streamed answers', async () => {
    cors.push(...ORIGIN)
    handle = async (_, stream) => {
      stream.open({ status: 200, headers: [] })
      await stream.write(Buffer.from('piece'))
      return { kind: 'streamed' }
    }
    expect(await rawExchange(port, get('/', LAST))).toContain(
      'access-control-allow-origin: https://example.org',
    )
  })

  test('give way to those of the model’s handler', async () => {
    cors.push(...ORIGIN)
    handle = () => ({ ...text('x'), headers: ['Access-Control-Allow-Origin', 'https://mine.example'] })
    const answer = await rawExchange(port, get('/', LAST))
    expect(answer.match(/access-control-allow-origin: .*/gi)).toEqual([
      'Access-Control-Allow-Origin: https://mine.example',
    ])
  })
})

describe('the head of a request', () => {
  const line = (bytes: number) => `GET /${'x'.repeat(bytes - 'GET / HTTP/1.1\r'.length)} HTTP/1.1\r\n`
  // `Host: localhost`, `Connection: close`, `X: …` and the empty line, each with its carriage return.
  const headers = (bytes: number) => `${HOST}${LAST}X: ${'x'.repeat(bytes - 16 - 18 - 4 - 1)}\r\n\r\n`

  test.each([
    ['a line of 4096 bytes', `${line(4096)}${HOST}${LAST}\r\n`, 200],
    ['a line of 4097 bytes', `${line(4097)}${HOST}${LAST}\r\n`, 400],
    ['headers of 8192 bytes', `GET / HTTP/1.1\r\n${headers(8192)}`, 200],
    ['headers of 8193 bytes', `GET / HTTP/1.1\r\n${headers(8193)}`, 400],
    ['both as long as may be', `${line(4096)}${headers(8192)}`, 200],
  ])('%s', async (_, bytes, status) => {
    handle = () => text('fine')
    const answer = await rawExchange(port, bytes)
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer).toContain(status === 200 ? 'fine' : '"message": "Invalid HTTP message."')
    expect(answer).toContain('connection: close')
  })
})

describe('headers of the request', () => {
  test('keep the client’s spelling and order', async () => {
    await rawExchange(port, get('/', `X-CusTom: a\r\nx-custom: b\r\n${LAST}`))
    expect(seen[0]?.rawHeaders).toEqual([
      'Host',
      'localhost',
      'X-CusTom',
      'a',
      'x-custom',
      'b',
      'Connection',
      'close',
    ])
  })
})

describe('pipelined requests', () => {
  test('are answered in their order, whatever takes longest', async () => {
    let release: () => void = () => undefined
    const first = new Promise<void>((resolve) => (release = resolve))
    handle = async (request) => {
      if (request.target === '/1') await first
      else release()
      return text(request.target)
    }
    const answer = await rawExchange(port, get('/1') + get('/2') + get('/3', LAST))
    expect([...answer.matchAll(/\r\n\r\n(\/\d)/g)].map((match) => match[1])).toEqual(['/1', '/2', '/3'])
  })

  test('before bytes that are not HTTP get their answers, then comes the 400', async () => {
    handle = async (request) => {
      await new Promise((resolve) => setImmediate(resolve))
      return text(request.target)
    }
    const answer = await rawExchange(port, get('/1') + get('/2') + 'nonsense\r\n\r\n')
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '200', '400'])
    expect(answer).toMatch(/"Invalid HTTP message\."/)
  })
})

describe('what is not HTTP', () => {
  test.each([
    ['a bad request line', 'nonsense\r\n\r\n'],
    ['an unknown method', `BREW / HTTP/1.1\r\n${HOST}\r\n`],
    ['lower case', `get / HTTP/1.1\r\n${HOST}\r\n`],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`],
    [
      'length and chunks',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
    ['a huge header', get('/', `X: ${'x'.repeat(13_000)}\r\n`)],
    ['a huge target', get(`/${'x'.repeat(13_000)}`)],
    ['a broken chunk', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ])('%s is 400', async (_, bytes) => {
    const answer = await rawExchange(port, bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nx-request-id: [^]*connection: close\r\n/)
    const body: unknown = JSON.parse(answer.split('\r\n\r\n')[1] ?? '')
    expect(body).toEqual({ code: 400, type: 'BadRequestException', message: 'Invalid HTTP message.' })
  })
})

describe('bodies', () => {
  const chunked = (pieces: readonly string[]) =>
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
    pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('') +
    '0\r\n\r\n'

  test('of exactly the limit pass', async () => {
    expect(await rawExchange(port, post('x'.repeat(LIMIT), LAST))).toContain(`content-length: ${LIMIT}`)
  })

  test('in chunks are joined', async () => {
    const connection = await rawConnection(port)
    connection.send(chunked(['one', 'two']))
    await connection.until(/\r\n\r\nonetwo$/)
    connection.socket.destroy()
  })

  test('announced as too large are refused before they come', async () => {
    const connection = await rawConnection(port)
    connection.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${LIMIT + 1}\r\n\r\n`)
    expect(await connection.until(/"code": 413/)).toContain('RequestEntityTooLargeException')
    expect(seen).toEqual([])
    connection.socket.destroy()
  })

  test('that are sent all the same are swallowed, so that the client can read its answer', async () => {
    const connection = await rawConnection(port)
    connection.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3000000\r\n\r\n`)
    connection.send(Buffer.alloc(3_000_000))
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 413[^]*\}\n$/)
  })

  test('in chunks are refused when they pass the limit', async () => {
    expect(await rawExchange(port, chunked(['x'.repeat(600), 'x'.repeat(600)]))).toMatch(/^HTTP\/1\.1 413/)
  })

  test('wait for 100 Continue, and get it when somebody reads them', async () => {
    const connection = await rawConnection(port)
    connection.send(`POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
    await connection.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    connection.send('hi')
    await connection.until(/HTTP\/1\.1 200 OK[^]*hi$/)
    connection.socket.destroy()
  })

  test('that are too large get no 100 Continue', async () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: ${LIMIT + 1}\r\n\r\n`
    expect(await rawExchange(port, head)).toMatch(/^HTTP\/1\.1 413/)
  })

  test('that nobody reads end a connection that waited for 100 Continue', async () => {
    handle = () => text('done')
    const head = `PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`
    expect(await rawExchange(port, head)).toMatch(/^HTTP\/1\.1 200 OK[^]*connection: close/)
  })

  test('together stay within the budget of the server, which comes back', async () => {
    const waiting = await Promise.all([rawConnection(port), rawConnection(port)])
    for (const connection of waiting)
      connection.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n${'x'.repeat(999)}`)
    await expect.poll(() => heldBytes).toBe(1998)
    expect(await rawExchange(port, post('x'.repeat(600)))).toMatch(
      /^HTTP\/1\.1 503[^]*Retry-After: 1\r\n[^]*ServiceUnavailableException/,
    )
    for (const connection of waiting) connection.socket.destroy()
    await expect.poll(() => hangUps).toBe(2)
    await expect
      .poll(async () => (await rawExchange(port, post('x'.repeat(600), LAST))).slice(0, 12))
      .toBe('HTTP/1.1 200')
  })
})

describe('the budget', () => {
  test('holds what has come, not what was announced', async () => {
    const waiting = await Promise.all(Array.from({ length: 5 }, () => rawConnection(port)))
    for (const connection of waiting)
      connection.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\nx`)
    await expect.poll(() => heldBytes).toBe(5)
    expect(await rawExchange(port, post('x'.repeat(1000), LAST))).toMatch(/^HTTP\/1\.1 200/)
    for (const connection of waiting) connection.socket.destroy()
    await expect.poll(() => heldBytes).toBe(0)
  })

  test('gets back what was held for requests behind an answer that closed the connection', async () => {
    handle = async (request) => {
      const body = await request.body()
      return text(body, request.target === '/none' ? 404 : 200)
    }
    expect(await rawExchange(port, get('/none') + post('x'.repeat(900)))).toMatch(/^HTTP\/1\.1 404/)
    await expect.poll(() => heldBytes).toBe(0)
  })
})

describe('a client that hangs up', () => {
  test('aborts its request', async () => {
    handle = (request) =>
      new Promise((resolve) =>
        request.signal.addEventListener('abort', () => resolve(text('nobody reads this'))),
      )
    handle = ((inner) => (request, stream) => (seen.push(request), inner(request, stream)))(handle)
    const connection = await rawConnection(port)
    connection.send(get())
    await expect.poll(() => seen.length).toBe(1)
    connection.socket.destroy()
    await expect.poll(() => seen[0]?.signal.aborted).toBe(true)
  })

  test('does not abort a request that was answered', async () => {
    const connection = await rawConnection(port)
    connection.send(get())
    await expect.poll(() => statuses.length).toBe(1)
    connection.send(get())
    await expect.poll(() => statuses.length).toBe(2)
    expect(seen.map(({ signal }) => signal.aborted)).toEqual([false, false])
    connection.socket.destroy()
  })
})

describe('a stream', () => {
  test('is one HTTP chunk a piece, at once', async () => {
    handle = async (_, stream) => {
      stream.open({ status: 201, headers: ['ts_stream_next', 'true'] })
      for (const piece of ['hello', 'world']) await stream.write(Buffer.from(piece))
      return { kind: 'streamed' }
    }
    const answer = await rawExchange(port, get('/', LAST))
    expect(answer).toMatch(/^HTTP\/1\.1 201 \r\n[^]*ts_stream_next: true\r\n/)
    expect(answer).toMatch(/\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n$/)
    expect(answer).not.toMatch(/content-length/i)
  })

  test('that breaks off ends without its last chunk', async () => {
    handle = async (_, stream) => {
      stream.open({ status: 200, headers: [] })
      await stream.write(Buffer.from('hello'))
      return { kind: 'broken' }
    }
    expect(await rawExchange(port, get())).not.toMatch(/0\r\n\r\n$/)
  })

  test('waits for a reader that is slow, and fails when the reader goes', async () => {
    const piece = Buffer.alloc(1 << 20)
    let written = 0
    let failure: unknown
    handle = async (_, stream) => {
      stream.open({ status: 200, headers: [] })
      try {
        for (; written < 200; written++) await stream.write(piece)
      } catch (error) {
        failure = error
      }
      return { kind: 'streamed' }
    }
    const connection = await rawConnection(port)
    connection.socket.pause()
    connection.send(get())
    await expect.poll(() => written).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(written).toBeLessThan(50)
    connection.socket.destroy()
    await expect.poll(() => String(failure)).toContain('hung up')
  })
})

describe('stopping', () => {
  test('answers what has arrived, takes nothing new, and says so on kept connections', async () => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    handle = async (request) => {
      seen.push(request)
      if (request.target === '/slow') await gate
      return text(request.target)
    }
    const slow = await rawConnection(port)
    slow.send(get('/slow'))
    const idle = await rawConnection(port)
    idle.send(get('/first'))
    await idle.until(/keep-alive[^]*\/first$/)
    await expect.poll(() => seen.length).toBe(2)

    const closed = listener.close(new AbortController().signal)
    await expect.poll(() => rawConnection(port).then(() => 'connected', String)).toContain('ECONNREFUSED')
    idle.send(get('/second'))
    expect(await idle.closed).toMatch(/connection: close\r\n\r\n\/second$/)
    release()
    expect(await slow.closed).toMatch(/connection: close\r\n\r\n\/slow$/)
    clock.advance(200)
    await closed
  })

  test('closes connections that stay idle', async () => {
    const idle = await rawConnection(port)
    idle.send(get())
    await idle.until(/200 OK/)
    const closed = listener.close(new AbortController().signal)
    await expect.poll(() => (clock.advance(200), idle.socket.closed)).toBe(true)
    await closed
  })

  test('can be cut short', async () => {
    handle = () => new Promise(() => undefined)
    const stuck = await rawConnection(port)
    stuck.send(get())
    const cut = new AbortController()
    const closed = listener.close(cut.signal)
    cut.abort()
    await closed
    expect(await stuck.closed).toBe('')
  })
})

test('a port in use is named', async () => {
  const deps = {
    handle: echo,
    clock,
    log: memoryLogger([]),
    budget: createByteBudget(1),
    maxRequestBytes: 1,
    cors,
    countStatus: () => undefined,
    countHangUp: () => undefined,
  }
  await expect(listen({ host: '127.0.0.1', port }, deps)).rejects.toMatchObject({
    code: 'cannot-listen',
    message: `Cannot listen on 127.0.0.1:${port}: the port is in use.`,
  })
})

test('a thousand answers over one kept connection', async () => {
  const connection = await rawConnection(port)
  connection.send(get('/').repeat(999) + get('/', LAST))
  const answer = await connection.closed
  expect([...answer.matchAll(/200 OK/g)]).toHaveLength(1000)
})
