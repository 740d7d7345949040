/** Java's properties: what real Java makes of hostile files stands in test/fixtures/config/properties.json. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { escapeKey, escapeValue } from 'properties-file/escape'
import { expect, test } from 'vitest'
import { parseProperties, withVariables } from './properties.js'

interface JavaCase {
  readonly text: string
  readonly entries?: readonly (readonly [string, string])[]
  readonly error?: string
}

const cases = JSON.parse(
  readFileSync(new URL('../../test/fixtures/config/properties.json', import.meta.url), 'utf8'),
) as JavaCase[]

const parse = (text: string) => parseProperties(Buffer.from(text, 'latin1'), 'config.properties')

/** As Java's map holds it: the last of each key, in the order of their UTF-16 units. */
function read(text: string): (readonly [string, string])[] {
  const map = new Map(parse(text).entries.map(({ key, value }) => [key, value]))
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Java makes an empty key of such an end. */
const ENDS_IN_BACKSLASH_ALONE = /(^|[\n\r])[ \t\f]*\\[\n\r]?$/

const readable = cases.filter((one) => one.entries !== undefined)
const refused = cases.filter((one) => one.error !== undefined)

test('every file that Java reads gives the same keys and values', () => {
  expect(readable.length).toBeGreaterThan(250)
  for (const { text, entries = [] } of readable) {
    const counts = ([key]: readonly [string, string]) => key !== '' || !ENDS_IN_BACKSLASH_ALONE.test(text)
    expect(read(text).filter(counts), JSON.stringify(text)).toEqual(entries.filter(counts))
  }
})

test('what Java refuses is refused, with the name of the file', () => {
  expect(refused.length).toBeGreaterThan(50)
  for (const { text } of refused)
    expect(() => parse(text), JSON.stringify(text)).toThrow(/config\.properties: .*four hexadecimal digits/)
})

test('whatever is written with escapes is read again as it was', () => {
  const line = ([key, value]: readonly [string, string]) =>
    `${escapeKey(key, true)}=${escapeValue(value, true)}`
  const entries = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ unit: 'binary' })))
  fc.assert(
    fc.property(entries, (pairs) => {
      const found = parse(pairs.map(line).join('\n')).entries.map(({ key, value }) => [key, value])
      expect(found).toEqual(pairs)
    }),
  )
})

test('no bytes at all make the parser fail otherwise than Java does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseProperties(bytes, 'f')
      } catch (error) {
        expect(String(error)).toContain('four hexadecimal digits')
      }
    }),
  )
})

test('each entry knows its line, also after continued lines and lines that hold only a backslash', () => {
  const lines = ['# comment', 'a=1\\', '  2', '', '\\', '! comment', '\\', '\\', 'b: x', 'c']
  const where = parse(lines.join('\r\n')).entries.map(({ key, line }) => `${key}:${line}`)
  expect(where).toEqual(['a:2', 'b:9', 'c:10'])
})

test('ten thousand lines that hold only a backslash are read in one go', () => {
  expect(read(`${'\\\n'.repeat(10_000)}a=1`)).toEqual([['a', '1']])
})

test('$$NAME$$ stands for a variable, any number of times', () => {
  const file = parse('a=$$HOME$$/x/$$USER$$\nb=$NAME$ $$X$$')
  const { entries } = withVariables(file, { HOME: '/h', USER: '$$HOME$$' })
  expect(entries.map(({ value }) => value)).toEqual(['/h/x/$$HOME$$', '$NAME$ $$X$$'])
})

test('a variable that is not set is named with the line', () => {
  expect(() => withVariables(parse('\na=$$NO_SUCH$$'), {})).toThrow(
    'Invalid Environment Variable NO_SUCH (config.properties:2, a)',
  )
})
