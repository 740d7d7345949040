/**
 * Requests that two readers could take for different ones, and so smuggle a second request past what stands before
 * the server: each is refused, or read in the one way that the standard has, and nothing behind a refusal is run.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startListening, type Listening } from '../support/listening.js'
import { rawConnection, rawExchange } from '../support/raw-http.js'

let server: Listening
beforeAll(async () => {
  server = await startListening()
})
afterAll(() => server.listener.close(AbortSignal.abort()))
beforeEach(() => void (server.seen.length = 0))

const HOST = 'Host: a\r\n'
/** What an attacker wants to be run. */
const SECOND = `DELETE /second HTTP/1.1\r\n${HOST}\r\n`
const latin1 = (text: string) => Buffer.from(text, 'latin1')

const head = (headers: string, version = '1.1') => `POST /first HTTP/${version}\r\n${headers}\r\n`
const framed = (lines: string, body = '0\r\n\r\n') => head(`${HOST}${lines}\r\n`) + body
const chunked = (body: string) => framed('Transfer-Encoding: chunked', body)

const refused: Readonly<Record<string, string>> = {
  'a length and chunks': framed('Content-Length: 5\r\nTransfer-Encoding: chunked'),
  'chunks and a length': framed('Transfer-Encoding: chunked\r\nContent-Length: 5'),
  'two lengths': framed('Content-Length: 5\r\nContent-Length: 6', 'hello'),
  'one length twice': framed('Content-Length: 5\r\nContent-Length: 5', 'hello'),
  'a list of lengths': framed('Content-Length: 5, 5', 'hello'),
  'a length with a sign': framed('Content-Length: +5', 'hello'),
  'a negative length': framed('Content-Length: -5', 'hello'),
  'a hexadecimal length': framed('Content-Length: 0x5', 'hello'),
  'an empty length': framed('Content-Length: ', 'hello'),
  'a length beyond all numbers': framed('Content-Length: 99999999999999999999999', 'hello'),
  'a length with a blank in it': framed('Content-Length: 5 5', 'hello'),
  xchunked: framed('Transfer-Encoding: xchunked'),
  identity: framed('Transfer-Encoding: identity'),
  'chunked that is not last': framed('Transfer-Encoding: chunked, identity'),
  'identity before chunked': framed('Transfer-Encoding: identity, chunked'),
  'gzip before chunked': framed('Transfer-Encoding: gzip, chunked'),
  'chunked twice in a line': framed('Transfer-Encoding: chunked, chunked'),
  'chunked in two lines': framed('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  'chunked, then identity': framed('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'),
  'chunked after a vertical tab': framed('Transfer-Encoding: \x0bchunked'),
  'chunked in quotes': framed('Transfer-Encoding: "chunked"'),
  'chunked with a parameter': framed('Transfer-Encoding: chunked;q=1'),
  'an empty transfer encoding': framed('Transfer-Encoding: '),
  'a blank before the colon': framed('Transfer-Encoding : chunked'),
  'chunks in HTTP/1.0': head('Transfer-Encoding: chunked\r\n', '1.0') + '0\r\n\r\n',
  'a folded header': framed('X: a\r\n b', ''),
  'a folded transfer encoding': framed('Transfer-Encoding:\r\n chunked'),
  'a first header with a blank before it': `GET /first HTTP/1.1\r\n X: a\r\n${HOST}\r\n`,
  'line feeds without returns': 'GET /first HTTP/1.1\nHost: a\n\n',
  'one line feed without a return': head('Host: a\nX: b\r\n'),
  'a return without a line feed': head('Host: a\rX: b\r\n'),
  'a blank before the colon of the host': head('Host : a\r\n'),
  'a line without a colon': head(`${HOST}nonsense\r\n`),
  'a header without a name': head(`${HOST}: x\r\n`),
  'NUL in a value': head(`${HOST}X: a\0b\r\n`),
  'NUL in a name': head(`${HOST}X\0: a\r\n`),
  'NUL in the target': `GET /first\0 HTTP/1.1\r\n${HOST}\r\n`,
  'two hosts': head(`${HOST}Host: b\r\n`),
  'one host twice': head(`${HOST}${HOST}`),
  'no host': head(''),
  'a host with a blank': head('Host: a b\r\n'),
  'a host with a user': head('Host: me@a\r\n'),
  'a host with a path': head('Host: a/b\r\n'),
  'a tunnel': `CONNECT other:80 HTTP/1.1\r\n${HOST}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/9.9': `GET /first HTTP/9.9\r\n${HOST}\r\n`,
  'HTTP/0.9': 'GET /first\r\n\r\n',
  'tabs for blanks': `GET\t/first\tHTTP/1.1\r\n${HOST}\r\n`,
  'a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'a chunk size that is no number': chunked('g\r\nx\r\n0\r\n\r\n'),
  'a chunk size with 0x': chunked('0x1\r\nx\r\n0\r\n\r\n'),
  'a negative chunk size': chunked('-1\r\nx\r\n0\r\n\r\n'),
  'a blank after the chunk size': chunked('1 \r\nx\r\n0\r\n\r\n'),
  'a blank before the chunk size': chunked(' 1\r\nx\r\n0\r\n\r\n'),
  'a chunk size beyond 64 bits': chunked('10000000000000000\r\nx\r\n0\r\n\r\n'),
  'no chunk size': chunked('\r\nx\r\n0\r\n\r\n'),
  'a chunk longer than its size': chunked('1\r\nxyz\r\n0\r\n\r\n'),
  'chunks with bare line feeds': chunked('1\nx\n0\n\n'),
  'a chunk that ends in a bare line feed': chunked('1\r\nx\n0\r\n\r\n'),
  'a chunk extension with a bare line feed': chunked('1;a\nx\r\n0\r\n\r\n'),
  'a quoted chunk extension with a line feed': chunked('1;a="\n"\r\nx\r\n0\r\n\r\n'),
  'a chunk extension of 20,000 bytes': chunked(`1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`),
  'a length among the trailers': chunked('0\r\nContent-Length: 5\r\n\r\n'),
  'trailers of 40,000 bytes': chunked(`0\r\n${'X: aaaaaaaaaaaaaaa\r\n'.repeat(2000)}\r\n`),
}

describe('is refused, and what follows is not run', () => {
  test.each(Object.entries(refused))('%s', async (_, bytes) => {
    const answer = await rawExchange(server.port, latin1(bytes + SECOND))
    expect(answer.match(/HTTP\/1\.1 .*/g)).toEqual(['HTTP/1.1 400 Bad Request'])
    expect(answer).toContain('connection: close\r\n')
    expect(server.seen).not.toContain('DELETE /second')
  })

  test('an expectation that is not 100-continue', async () => {
    const bytes = head(`${HOST}Expect: 200-ok\r\nContent-Length: 2\r\n`)
    const answer = await rawExchange(server.port, `${bytes}xx${SECOND}`)
    expect(answer.match(/HTTP\/1\.1 .*/g)).toEqual(['HTTP/1.1 417 Expectation Failed'])
    expect(server.seen).toEqual([])
  })

  test('after an answer to a good request, in its place', async () => {
    const answer = await rawExchange(
      server.port,
      head(HOST) + framed('Transfer-Encoding: gzip, chunked') + SECOND,
    )
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
    expect(server.seen).toEqual(['POST /first'])
  })
})

describe('is read in one way, and what follows is the next request', () => {
  const HELLO = '5\r\nhello\r\n0\r\n\r\n'
  test.each([
    ['CHUNKED', framed('Transfer-Encoding: CHUNKED', HELLO), 'hello'],
    ['chunked after a tab', framed('Transfer-Encoding:\tchunked', HELLO), 'hello'],
    ['a chunk with an extension', chunked(`5;a=b${HELLO.slice(1)}`), 'hello'],
    [
      'an underscore, which makes it another header',
      framed('Transfer_Encoding: chunked\r\nContent-Length: 5', 'hello'),
      'hello',
    ],
    ['a body of a GET', `GET /first HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, 'hello'],
    [
      'a length behind two thousand headers',
      head(`${HOST}${'a:\r\n'.repeat(2010)}Content-Length: 5\r\n`) + 'hello',
      'hello',
    ],
    ['a target in absolute form', `GET http://other/first HTTP/1.1\r\n${HOST}\r\n`, ''],
    ['a target with a fragment', `GET /first#DELETE HTTP/1.1\r\n${HOST}\r\n`, ''],
    ['line ends before the request', `\r\n\r\n${head(HOST)}`, ''],
  ])('%s', async (_, bytes, body) => {
    const connection = await rawConnection(server.port)
    connection.send(latin1(bytes + SECOND))
    await connection.untilTrue(() => (connection.received().match(/HTTP\/1\.1 200/g)?.length ?? 0) === 2)
    expect(connection.received()).toContain(`content-length: ${body.length}\r\n`)
    expect(server.seen.toSorted().at(0)).toBe('DELETE /second')
    expect(server.seen).toHaveLength(2)
    connection.socket.destroy()
  })

  test('a chunk of all but endless size is a body that does not end', async () => {
    const connection = await rawConnection(server.port)
    connection.send(chunked('ffffffffffffffff\r\nx\r\n0\r\n\r\n') + SECOND)
    await expect.poll(() => server.heldBytes()).toBeGreaterThan(0)
    connection.send('x'.repeat(2 ** 20))
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 413/)
    expect(server.seen).toEqual(['POST /first'])
  })

  test('an upgrade that nobody takes up ends the connection, since what follows could be of either protocol', async () => {
    const bytes = `GET /first HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`
    expect(await rawExchange(server.port, bytes + SECOND)).toMatch(/^HTTP\/1\.1 200[^]*connection: close\r\n/)
    expect(server.seen).toEqual(['GET /first'])
  })
})
