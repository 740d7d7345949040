/** torch-model-archiver here and the original 0.12.0, on every recorded command line. */
import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deviations } from './deviations.js'
import { makeCaseFolders, readCaseFolders, recordedCases, replay, type Outcome } from './recorded.js'

const outcomes = new Map<string, Outcome>()
let root = ''
beforeAll(async () => {
  const made = makeCaseFolders(recordedCases)
  root = made.root
  const printed: Omit<Outcome, 'made'>[] = []
  for (const [n, one] of recordedCases.entries()) printed.push(await replay(one, made.folders[n]!))
  readCaseFolders(root).forEach((left, n) =>
    outcomes.set(recordedCases[n]!.title, { ...printed[n]!, made: left }),
  )
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const rows = (isDeviation: boolean) =>
  recordedCases
    .filter(({ title }) => title in deviations === isDeviation)
    .map((one) => [one.title, one] as const)

describe('a recorded command line does here what it did there', () => {
  it.each(rows(false))('%s', (title, { exit, stdout, stderr, made }) => {
    expect(outcomes.get(title)).toEqual({ exit, stdout, stderr, made })
  })
})

describe('a recorded command line does otherwise, as docs/compatibility.md says', () => {
  const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8')

  it.each(rows(true))('%s', (title, { exit, stdout, stderr, made }) => {
    const { heading, outcome } = deviations[title]!
    expect(page).toMatch(new RegExp(`\\*\\*${heading}\\.?\\*\\*`))
    expect(outcomes.get(title)).toEqual({ exit, stdout, stderr, made, ...outcome })
    expect(outcome).not.toEqual({ exit, stdout, stderr, made })
  })

  it('and each of the deviations is still recorded', () => {
    expect(rows(true).map(([title]) => title)).toEqual(expect.arrayContaining(Object.keys(deviations)))
  })
})
