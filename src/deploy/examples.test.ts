/** When an answer is what an example promised. */
import { describe, expect, test } from 'vitest'
import { difference } from './examples.js'

const example = { name: 'one', file: 'one', contentType: 'text/plain', tolerance: 0.01 }

describe('an answer', () => {
  test.each([
    ['may hold more than was promised', { pred: 7 }, '{"pred":7,"dist":1}', undefined],
    ['may differ by the tolerance', { dist: 0.5 }, '{"dist":0.509}', undefined],
    ['must not differ by more', { dist: 0.5 }, '{"dist":0.52}', 'dist must be 0.5, but is 0.52'],
    ['must be of the same type', { pred: 7 }, '{"pred":"7"}', 'pred must be 7, but is "7"'],
    ['must hold what was promised', { known: true }, '{}', 'known must be true, but is undefined'],
    ['must be an object', { pred: 7 }, '7', 'it must be a JSON object, not 7'],
    ['must be JSON', { pred: 7 }, 'seven', 'it must be a JSON object, not seven'],
  ])('%s', (_, expected, text, wrong) => {
    expect(difference({ ...example, expect: expected }, text)).toBe(wrong)
  })

  test('of which nothing was promised may be anything', () => {
    expect(difference(example, 'hello')).toBeUndefined()
  })
})
