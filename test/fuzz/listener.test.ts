/**
 * Bytes at random into the listener, and targets, forms and heads at random into their parsers: the server always answers
 * or closes, never crashes, keeps nothing, and answers a good request afterwards. `npm run fuzz`.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MarinaError } from '../../src/errors.js'
import { boundaryOf, parseMultipart, parseUrlencoded } from '../../src/http/form.js'
import { parseTarget } from '../../src/http/target.js'
import { echo, startListening, type Listening } from '../support/listening.js'
import { rawConnection, rawExchange } from '../support/raw-http.js'

let server: Listening
beforeAll(async () => {
  server = await startListening(echo, { headTimeoutMs: 500, budgetBytes: 2 ** 26 })
})
afterAll(() => server.listener.close(AbortSignal.abort()))

const RUNS = 1000
const WORDS = [
  'GET',
  'POST',
  'HEAD',
  'CONNECT',
  'OPTIONS',
  ' ',
  '\t',
  '/',
  '*',
  '/a%2Fb?x=1',
  'http://h/x',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ':',
  ';',
  ',',
  '\0',
  '\u00ff',
  'Host: a',
  'Host: b',
  'Content-Length: ',
  'Transfer-Encoding: ',
  'chunked',
  'identity',
  'gzip',
  'Expect: 100-continue',
  'Connection: ',
  'close',
  'keep-alive',
  'Upgrade: h2c',
  'upgrade',
  '0',
  '1',
  '5',
  'a',
  'ff',
  '-1',
  '+1',
  '0x1',
  '99999999999999999999',
  'x'.repeat(300),
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
]
const stream = fc
  .array(fc.oneof({ arbitrary: fc.constantFrom(...WORDS), weight: 9 }, fc.string({ maxLength: 12 })), {
    maxLength: 24,
  })
  .map((words) => Buffer.from(words.join(''), 'latin1'))
/** How the bytes are cut into writes. */
const cuts = fc.array(fc.nat(200), { maxLength: 4 })

const GOOD = 'POST /good HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngood'

it('answers or closes whatever comes', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(stream, cuts, async (bytes, places) => {
      const connection = await rawConnection(server.port)
      const ends = [...new Set(places)].filter((at) => at < bytes.length).sort((a, b) => a - b)
      for (const [i, at] of [0, ...ends].entries())
        connection.send(bytes.subarray(at, ends[i] ?? bytes.length))
      connection.socket.end()
      const answer = await connection.closed
      expect(answer).toMatch(/^($|HTTP\/1\.1 \d{3} )/)
      expect(await rawExchange(server.port, GOOD)).toMatch(/^HTTP\/1\.1 200[^]*good$/)
    }),
    { numRuns: RUNS },
  )
  await expect.poll(() => [server.heldBytes(), server.listener.connections()]).toEqual([0, 0])
})

/** A parser either gives something or refuses in its own words. */
async function readsOrRefuses(read: () => unknown): Promise<void> {
  try {
    await read()
  } catch (error) {
    if (!(error instanceof MarinaError)) throw error
    expect(error.status).toBeLessThan(500)
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '%',
        '%2',
        '%2F',
        '%00',
        '%zz',
        '%C3',
        '%FF',
        '/',
        '?',
        '#',
        '&',
        ';',
        '=',
        '+',
        '..',
        '\\',
        'a',
        '\0',
      ),
    )
    .map((all) => all.join('')),
)

it('reads targets or refuses them', async () => {
  await fc.assert(
    fc.asyncProperty(text, (target) =>
      readsOrRefuses(() => {
        const { segments } = parseTarget(`/${target}`)
        expect(segments.join('/')).not.toContain('\u{fffd}\u{fffd}\u{fffd}\u{fffd}')
        for (const segment of segments) expect(segment).not.toContain('/')
      }),
    ),
    { numRuns: 5000 },
  )
})

const formWords = fc.constantFrom(
  '--',
  '--b',
  '--b\r\n',
  '--b--',
  '\r\n',
  '\r\n\r\n',
  'Content-Disposition: form-data; name="a"',
  '; filename="f"',
  'Content-Type: ',
  'x',
  '"',
  '\\',
  '\0',
  ';',
  '=',
  '&',
  '%41',
  '%',
  '+',
)
const form = fc
  .array(fc.oneof({ arbitrary: formWords, weight: 6 }, fc.string({ maxLength: 8 })), { maxLength: 40 })
  .map((words) => Buffer.from(words.join(''), 'latin1'))

it('reads forms or refuses them', async () => {
  await fc.assert(
    fc.asyncProperty(form, async (body) => {
      await readsOrRefuses(() => parseMultipart(body, 'b'))
      await readsOrRefuses(() => parseUrlencoded(body))
    }),
    { numRuns: 3000 },
  )
})

it('reads content types or refuses them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 300 }), (more) =>
      readsOrRefuses(() =>
        parseMultipart(Buffer.from('x'), boundaryOf(`multipart/form-data; boundary=${more}`) ?? 'x'),
      ),
    ),
    { numRuns: 3000 },
  )
})
