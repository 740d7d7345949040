/** The stored training step is what the PyTorch of this machine computes. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const folder = join(import.meta.dirname, '../fixtures/training')

/** All numbers of a JSON value, in order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

test('running the script again gives the stored values', () => {
  const text = execFileSync('/usr/bin/python3', [join(folder, 'step.py')], { encoding: 'utf8' })
  const stored = numbersIn(JSON.parse(readFileSync(join(folder, 'step.json'), 'utf8')))
  const fresh = numbersIn(JSON.parse(text))
  expect(fresh.length).toBe(stored.length)
  expect(stored.length).toBeGreaterThan(2000)
  // Other processors add in another order.
  const worst = Math.max(...fresh.map((value, at) => Math.abs(value - (stored[at] ?? NaN))))
  expect(worst).toBeLessThan(1e-3)
})
