/** Who may build what several servers need, on a real disk. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from './build-lock.js'

let folder = ''
let file = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-build-lock-'))
  file = join(folder, 'home.lock')
})
afterEach(() => rm(folder, { recursive: true }))

const { signal } = new AbortController()
/** As a process that was killed leaves it. */
const leave = (claim: string) => writeFile(`${file}-${claim}`, '')

test('the lock is given back, also when the work fails, and nothing stays', async () => {
  expect(await withLock(file, signal, () => Promise.resolve(1))).toBe(1)
  await expect(withLock(file, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await readdir(folder)).toEqual([])
})

test('who waits for it is stopped by the signal', async () => {
  const stop = new AbortController()
  await withLock(file, signal, async () => {
    const waiting = withLock(file, stop.signal, () => Promise.resolve())
    stop.abort(new Error('the server is stopping'))
    await expect(waiting).rejects.toMatchObject({ cause: stop.signal.reason as Error })
  })
  expect(await readdir(folder)).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'one of an earlier process with the number of this one does not count',
  async () => {
    await leave(`${process.pid}-1-deadbeef`)
    expect(await withLock(file, signal, () => readdir(folder))).toHaveLength(1)
  },
)

test('of several that find one dead lock, no two ever hold it', { timeout: 60_000 }, async () => {
  for (let round = 0; round < 10; round++) {
    await leave('4194305-12345-deadbeef')
    let holders = 0
    const work = async () => {
      expect(++holders).toBe(1)
      await readdir(folder)
      holders--
    }
    await Promise.all(Array.from({ length: 3 }, () => withLock(file, signal, work)))
    expect(await readdir(folder)).toEqual([])
  }
})
