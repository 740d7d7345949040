import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { urlPatterns, type Pattern } from '../config/patterns.js'
import { climbs, isAllowedUrl, isUrl } from './remote-url.js'

function patterns(text: string): readonly Pattern[] {
  const read = urlPatterns.parse(text)
  if (!('value' in read)) throw new Error(`${text} is no list of patterns`)
  return read.value
}
const store = patterns('https://models\\.example\\.org/.*')

test.each([
  ['http://h/a.mar', true],
  ['HTTPS://h/a.mar', true],
  ['file:///a.mar', true],
  ['ftp://h/a.mar', false],
  ['s3://bucket/a.mar', false],
  ['/http://h/a.mar', false],
  ['a.mar', false],
])('%s: a URL? %s', (text, url) => {
  expect(isUrl(text)).toBe(url)
})

describe('what is allowed', () => {
  test.each([
    'https://models.example.org/a.mar',
    'HTTPS://MODELS.example.org/a.mar',
    'https://models.example.org/a.mar?signature=%2F%2E#x',
  ])('%s', (url) => {
    expect(isAllowedUrl(url, store)).toBe(true)
  })

  test.each([
    'http://models.example.org/a.mar',
    'https://models.example.org.evil/a.mar',
    'https://models.example.org@evil/a.mar',
    'https://user:secret@models.example.org/a.mar',
    'https://modelsxexample.org/a.mar',
    'https://models.example.org./a.mar',
    'https://models.example.org\\@evil/a.mar',
    'https://evil/https://models.example.org/a.mar',
    'https://evil/?https://models.example.org/a.mar',
    'https://evil#https://models.example.org/a.mar',
    'https://models.example.org/a.mar\nx',
    'https://models.example.org/\0a.mar',
    'https://2130706433/a.mar',
    'https://0x7f.1/a.mar',
    'https://[::1]/a.mar',
    'https:///models.example.org/a.mar',
    'file:///models.example.org/a.mar',
    '',
  ])('not %j', (url) => {
    expect(isAllowedUrl(url, store)).toBe(false)
  })

  test('a pattern meets the address that is really asked, however it is written', () => {
    const decimal = patterns('http://2130706433/.*')
    expect(isAllowedUrl('http://2130706433/a.mar', decimal)).toBe(false)
    expect(isAllowedUrl('http://127.0.0.1/a.mar', patterns('http://127\\.0\\.0\\.1/.*'))).toBe(true)
  })

  test('a pattern may name the port of the scheme', () => {
    expect(isAllowedUrl('http://h:80/a.mar', patterns('http://h:80/.*'))).toBe(true)
    expect(isAllowedUrl('http://h:8080/a.mar', patterns('http://h:80/.*'))).toBe(false)
    expect(isAllowedUrl('http://[::1]:80/a.mar', patterns('http://\\[::1\\]:80/.*'))).toBe(true)
  })

  test('no patterns allow nothing', () => {
    fc.assert(
      fc.property(fc.webUrl(), (url) => !isAllowedUrl(url, [])),
      { numRuns: 20 },
    )
  })

  test('no text that a pattern for one host allows leads to another host', () => {
    const noise = fc.string({
      unit: fc.constantFrom('@', ':', '/', '\\', '#', '?', '.', 'e', '%', '\t', '1'),
    })
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const text = `https://${before}models.example.org${after}/a.mar`
        fc.pre(isAllowedUrl(text, store) && URL.canParse(text))
        expect(new URL(text).host).toBe('models.example.org')
      }),
      { numRuns: 200 },
    )
  })
})

describe('a path that climbs', () => {
  test.each([
    'http://h/%2e%2e/a.mar',
    'http://h/%2E./a.mar',
    'http://h/%252e%252e/a.mar',
    'http://h/./a.mar',
    'http://h/x%2fa.mar',
    'http://h/x%5Ca.mar',
    'http://h/x\\a.mar',
    'http://h/a%00.mar',
    'file:///models/%2e%2e/a.mar',
  ])('%s', (url) => {
    expect(climbs(url)).toBe(true)
  })

  test.each([
    'http://h/a..b.mar',
    'http://h/...',
    'http://h/a%20b%zz.mar',
    'http://h?x=/../',
    'http://../a.mar',
  ])('not %s', (url) => {
    expect(climbs(url)).toBe(false)
  })
})
