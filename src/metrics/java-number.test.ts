/** Java's doubles (contract metrics §7.2, §14.10). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { javaDouble } from './java-number.js'

test.each([
  [1, '1.0'],
  [0, '0.0'],
  [364.884, '364.884'],
  [-2.5, '-2.5'],
  [9_999_999, '9999999.0'],
  [1e7, '1.0E7'],
  [12_345_678, '1.2345678E7'],
  [0.001, '0.001'],
  [0.0001, '1.0E-4'],
  [-1e-5, '-1.0E-5'],
  [1e300, '1.0E300'],
  [NaN, 'NaN'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
])('%d is %s', (value, text) => {
  expect(javaDouble(value)).toBe(text)
})

test('every number has a fraction, and reads as itself', () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      const text = javaDouble(value)
      expect(text).toMatch(/^-?\d+\.\d+(E-?\d+)?$/)
      expect(Number(text)).toBe(value === 0 ? 0 : value)
    }),
  )
})
