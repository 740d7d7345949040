/** Wildcards and texts as Python has them, compared with Python itself on generated ones. */
import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pythonRepr, systemError } from './python-errors.js'
import { matcher } from './python-glob.js'

function python(script: string, input: unknown): unknown {
  const program = `import sys, json\ngiven = json.load(sys.stdin)\n${script}`
  const text = execFileSync('python3', ['-c', program], { input: JSON.stringify(input), encoding: 'utf8' })
  return JSON.parse(text)
}

describe('wildcards', () => {
  const parts = [
    '*',
    '?',
    '[',
    ']',
    '!',
    '-',
    '^',
    'a',
    'b',
    'c',
    '.',
    '\\',
    '&&',
    '~',
    '||',
    'ü',
    '😀',
    '\n',
  ]
  const word = fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((some) => some.join(''))
  const bracket = fc.tuple(fc.constantFrom('', '!'), word).map(([first, rest]) => `[${first}${rest}]`)
  const pattern = fc.array(fc.oneof(word, bracket), { maxLength: 3 }).map((some) => some.join(''))
  const name = fc.string({ unit: fc.constantFrom(...Array.from('abc.-!^[]\\ü😀\n&|~')), maxLength: 4 })

  it('match what they match in Python', () => {
    const pairs = fc.sample(fc.tuple(pattern, name), { numRuns: 4000, seed: 1 })
    const script =
      'import fnmatch, warnings\nwarnings.simplefilter("ignore")\n' +
      'print(json.dumps([fnmatch.fnmatchcase(name, pattern) for pattern, name in given]))'
    const expected = python(script, pairs) as boolean[]
    const different = pairs.filter(([one, text], n) => matcher(one).test(text) !== expected[n])
    expect(different).toEqual([])
    expect(expected.filter(Boolean).length).toBeGreaterThan(200)
  })
})

describe('texts in messages', () => {
  it('are written as Python’s repr writes them', () => {
    // Of characters that were not assigned yet when this Python was made it cannot know whether they print.
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom("'", '"', '\\', '\n', '\t', '\r', ' ', 'a'), fc.nat(0x2fff).map(asText)),
    })
    const texts = fc.sample(text, { numRuns: 4000, seed: 1 })
    const script =
      'import unicodedata\n' +
      'known = lambda text: all(unicodedata.category(c) != "Cn" for c in text)\n' +
      'print(json.dumps([repr(text) if known(text) else None for text in given]))'
    const expected = python(script, texts) as (string | null)[]
    const different = texts.filter((one, n) => expected[n] !== null && pythonRepr(one) !== expected[n])
    expect(different).toEqual([])
  })

  it.each([
    'EACCES',
    'EPERM',
    'ENOENT',
    'EEXIST',
    'ENOTDIR',
    'EISDIR',
    'ELOOP',
    'ENAMETOOLONG',
    'ENOSPC',
    'EROFS',
    'EIO',
  ])('of %s are those of Python, with its class and number', (code) => {
    const script =
      'import errno, os\nerror = OSError(getattr(errno, given), os.strerror(getattr(errno, given)), "a\'b")\n' +
      'print(json.dumps([type(error).__name__, str(error)]))'
    const { type, message } = systemError(code, "a'b")
    expect([type, message]).toEqual(python(script, code))
  })
})

function asText(code: number): string {
  return String.fromCodePoint(code)
}
