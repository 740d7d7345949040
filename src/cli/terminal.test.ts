/** Colour only where a person looks. */
import { afterEach, expect, test, vi } from 'vitest'
import { styleFor } from './terminal.js'

afterEach(() => void vi.unstubAllEnvs())

test('a terminal gets escape codes that end where they should', () => {
  vi.stubEnv('NO_COLOR', undefined)
  const { bold, dim, red, green } = styleFor({ isTTY: true })
  expect([bold('a'), dim('a'), red('a'), green('a')]).toEqual([
    '\u001b[1ma\u001b[22m',
    '\u001b[2ma\u001b[22m',
    '\u001b[31ma\u001b[39m',
    '\u001b[32ma\u001b[39m',
  ])
})

test.each([
  ['a pipe', {}, undefined],
  ['a file', { isTTY: false }, undefined],
  ['a terminal of somebody who set NO_COLOR', { isTTY: true }, '1'],
])('%s gets plain text', (_, stream, noColor) => {
  vi.stubEnv('NO_COLOR', noColor)
  const { bold, red } = styleFor(stream)
  expect(bold(red('a'))).toBe('a')
})
