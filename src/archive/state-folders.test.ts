/** Whose folders of generations are removed when a process opens its own. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStateFolders } from './state-folders.js'

let state = ''
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'marina-state-'))
})
afterEach(() => rmSync(state, { recursive: true }))

const generations = () => readdirSync(join(state, 'generations'))
const leave = (name: string) => mkdirSync(join(state, 'generations', name, 'model'), { recursive: true })

test('those of processes that are gone, and of no other', async () => {
  const first = await openStateFolders(state)
  mkdirSync(first.generationsDir)
  leave('4194305-12345-deadbeef')
  leave(`${process.pid}-deadbeef`) // as an earlier version names them, which may run beside this one
  const before = generations().length
  const second = await openStateFolders(state)
  expect(generations()).toHaveLength(before - 1)
  await Promise.all([first.remove(), second.remove()])
  expect(generations()).toEqual([`${process.pid}-deadbeef`])
})

test.runIf(process.platform === 'linux')(
  'also those of an earlier process which had the number of this one',
  async () => {
    leave(`${process.pid}-1-deadbeef`)
    const folders = await openStateFolders(state)
    expect(generations()).toEqual([])
    await folders.remove()
  },
)
