/** Request targets: contract rest-api §1. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { booleanOf, integerOf, parseTarget } from './target.js'

test.each([
  ['/', []],
  ['/models/noop', ['models', 'noop']],
  ['/models/noop///', ['models', 'noop']],
  ['/a//b', ['a', '', 'b']],
  ['/models%2Fnoop', ['models', 'noop']],
  ['/a+b%20c/%C3%BC', ['a+b c', 'ü']],
  ['/a?b/c', ['a']],
  ['/a#b/c?d', ['a']],
  ['*', ['', '*']],
  ['http://h/a', ['', 'http:', '', 'h', 'a']],
])('%s', (target, segments) => {
  expect(parseTarget(target).segments).toEqual(segments)
})

test.each([
  ['/a?x=1&y=2;z=3', { x: '1', y: '2', z: '3' }],
  ['/a?x=a+b%20c&x=2', { x: 'a b c' }],
  ['/a?x&=1&&y=', { x: '', '': '1', y: '' }],
  ['/a?x=1#y=2', { x: '1' }],
  ['/a?x=1?y=2', { x: '1?y=2' }],
])('%s', (target, query) => {
  expect(Object.fromEntries(parseTarget(target).query)).toEqual(query)
})

test.each(['/%', '/%zz', '/%ff', '/a?x=%zz'])('%s is 403', (target) => {
  expect(() => parseTarget(target)).toThrow(expect.objectContaining({ code: 'illegal-argument' }) as Error)
})

test.each([
  ['/models/%zz', "invalid hex byte 'zz' at index 9 of '/models/%zz'"],
  ['/models?limit=%zz', "invalid hex byte 'zz' at index 15 of '/models?limit=%zz'"],
  ['/%', 'Malformed percent escape in the request target: /%'],
  ['/%ff', 'Malformed percent escape in the request target: /%ff'],
])('%s says what is wrong', (target, message) => {
  expect(() => parseTarget(target)).toThrow(message)
})

test('segments that were encoded come back', () => {
  const segment = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('/'))
  fc.assert(
    fc.property(fc.array(segment), (segments) => {
      const target = `/${segments.map(encodeURIComponent).join('/')}`
      expect(parseTarget(target).segments).toEqual(segments)
    }),
  )
})

test('integers fall back silently, booleans are true only for true', () => {
  expect(['7', '-7', '+7', '', ' 7', '7.5', 'x', undefined].map((text) => integerOf(text, 3))).toEqual([
    7, -7, 7, 3, 3, 3, 3, 3,
  ])
  expect(['true', 'TRUE', '1', 'yes', ''].map((text) => booleanOf(text, true))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect(booleanOf(undefined, true)).toBe(true)
})
