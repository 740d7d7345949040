/** Form bodies: the quirks of contract rest-api §5 and §16, and round trips of whatever fits into a form. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryOf, parseMultipart, parseUrlencoded, type InputPart } from './form.js'

const B = 'XyZ'
interface Written {
  readonly headers: readonly string[]
  readonly data: Uint8Array | string
}
const write = (parts: readonly Written[], { end = `--${B}--\r\n`, boundary = B } = {}): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ headers, data }) => [
      Buffer.from(`--${boundary}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`),
      Buffer.from(data),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(end),
  ])
const named = (name: string, more = '') => `Content-Disposition: form-data; name="${name}"${more}`
const file = '; filename="a.bin"'
const shown = (parts: readonly InputPart[]) =>
  parts.map(({ name, contentType, body }) => [
    name,
    contentType,
    body.kind === 'inline' ? Buffer.from(body.data).toString() : '',
  ])
const parse = async (parts: readonly Written[], options = {}) =>
  shown(await parseMultipart(write(parts, options), B))

describe('a boundary', () => {
  test.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; BOUNDARY="a b;c"', 'a b;c'],
    ['multipart/form-data', undefined],
    ['Multipart/Form-Data; boundary=abc', undefined],
    ['multipart/mixed; boundary=abc', undefined],
  ])('%s', (contentType, boundary) => {
    expect(boundaryOf(contentType)).toBe(boundary)
  })
})

describe('multipart', () => {
  test.each<[string, readonly string[], string | undefined]>([
    ['a file', [named('data', file), 'Content-Type: image/png; x=1'], 'image/png'],
    [
      'a file without a type, as Python’s requests sends it',
      [named('data', file)],
      'application/octet-stream',
    ],
    ['a text file', [named('data', file), 'Content-Type: text/plain'], 'text/plain'],
    ['a plain field', [named('data')], undefined],
    ['a plain field with a type', [named('data'), 'Content-Type: application/json'], undefined],
    ['a part sent as binary', [named('data'), 'Content-Transfer-Encoding: binary'], undefined],
  ])('%s', async (_, headers, type) => {
    expect(await parse([{ headers, data: 'x' }])).toEqual([['data', type, 'x']])
  })

  test('of two parts with one name the last survives', async () => {
    const parts = ['1', '2', '3'].map((data, i) => ({ headers: [named(i === 1 ? 'b' : 'a')], data }))
    expect(await parse(parts)).toEqual([
      ['b', undefined, '2'],
      ['a', undefined, '3'],
    ])
  })

  test('an empty part is a part, also as the only one', async () => {
    expect(await parse([{ headers: [named('a')], data: '' }])).toEqual([['a', undefined, '']])
    expect(await parse(['', 'x', ''].map((data, i) => ({ headers: [named(`p${i}`)], data })))).toHaveLength(3)
  })

  test('names are UTF-8, and quotes in them are escaped', async () => {
    expect(await parse([{ headers: [named('gr\\"öße', file)], data: 'x' }])).toMatchObject(
      [['gr"öße', {}, 'x']].map(([n]) => [n, 'application/octet-stream', 'x']),
    )
  })

  test.each([
    ['another boundary', { boundary: 'Other', end: '--Other--\r\n' }],
    ['no end boundary', { end: '' }],
    ['half an end boundary', { end: `--${B}-` }],
  ])('%s gives nothing', async (_, options) => {
    expect(await parse([{ headers: [named('a')], data: 'x' }], options)).toEqual([])
  })

  test('no parts at all gives nothing', async () => {
    expect(await parse([])).toEqual([])
    expect(await parseMultipart(Buffer.alloc(0), B)).toEqual([])
  })

  test.each<[string, readonly string[]]>([
    ['no name', ['Content-Disposition: form-data']],
    ['an empty name', [named('')]],
    ['no disposition', ['Content-Type: text/plain']],
    ['base64', [named('a'), 'Content-Transfer-Encoding: base64']],
  ])('a part with %s is 400', async (_, headers) => {
    const good = { headers: [named('b')], data: 'y' }
    await expect(parse([{ headers, data: 'x' }, good])).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('large parts come whole', async () => {
    const data = Buffer.alloc(3_000_000, 'abcdefg')
    const [part] = await parseMultipart(write([{ headers: [named('a', file)], data }]), B)
    expect(part?.body.kind === 'inline' && data.equals(part.body.data)).toBe(true)
  })

  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/)
  test('any bytes under any names come back', async () => {
    const parts = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 200 })), {
      selector: ([key]) => key,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(parts, async (list) => {
        fc.pre(list.every(([, data]) => !Buffer.from(data).includes(`--${B}`)))
        const body = write(list.map(([key, data]) => ({ headers: [named(key)], data })))
        const back = await parseMultipart(body, B)
        expect(back.map((part) => [part.name, part.body.kind === 'inline' && [...part.body.data]])).toEqual(
          list.map(([key, data]) => [key, [...data]]),
        )
      }),
    )
  })

  test('damaged bodies end in parts or in bad-request, never in anything else', async () => {
    const whole = write([
      { headers: [named('a', file), 'Content-Type: image/png'], data: 'some bytes' },
      { headers: [named('b')], data: 'more' },
    ])
    const edit = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), cut: fc.nat(whole.length) })
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, byte, cut }) => {
        const body = Buffer.from(whole.subarray(0, Math.max(cut, at + 1)))
        body[at] = byte
        const parts = await parseMultipart(body, B).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'bad-request' })
          return []
        })
        expect(parts.length).toBeLessThanOrEqual(2)
      }),
      { numRuns: 300 },
    )
  })
})

describe('urlencoded', () => {
  const fields = (text: string) =>
    shown(parseUrlencoded(Buffer.from(text))).map(([name, , value]) => [name, value])
  test.each([
    ['data=test', [['data', 'test']]],
    [
      'a=1+2%2B&b=%C3%BC',
      [
        ['a', '1 2+'],
        ['b', 'ü'],
      ],
    ],
    ['a=1&a=2', [['a', '2']]],
    [
      'a&b=1',
      [
        ['a', ''],
        ['b', '1'],
      ],
    ],
    ['b=1&a', [['b', '1']]],
    ['a=', [['a', '']]],
    ['a=1;b=2', [['a', '1;b=2']]],
    ['a=b=c', [['a', 'b=c']]],
    ['a', []],
    ['', []],
  ])('%j', (text, expected) => {
    expect(fields(text)).toEqual(expected)
  })

  test.each(['=b', '&', 'a=%zz', 'a=%', '%zz=a'])('%j is 400', (text) => {
    expect(() => fields(text)).toThrow(expect.objectContaining({ code: 'bad-request' }) as Error)
  })

  test('what URLSearchParams writes is read', () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.string()), {
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(pairs, (list) => {
        const text = new URLSearchParams(list).toString()
        expect(fields(text)).toEqual([...new URLSearchParams(text)])
      }),
    )
  })
})
