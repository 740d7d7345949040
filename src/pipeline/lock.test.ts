/** Who may work in a project's folder. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeLock } from './lock.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

const claims = () => readdir(join(folder, '.cache/locks'))
async function leave(name: string): Promise<void> {
  await mkdir(join(folder, '.cache/locks'), { recursive: true })
  await writeFile(join(folder, '.cache/locks', name), '')
}

test('the lock is free again when it was given back', async () => {
  const release = await takeLock(folder)
  await expect(takeLock(folder)).rejects.toMatchObject({ code: 'conflict' })
  await release()
  const again = await takeLock(folder)
  await again()
  expect(await claims()).toEqual([])
})

test('the claim of a process that is gone does not count, and is removed', async () => {
  await leave('4194304-12345-deadbeef')
  const release = await takeLock(folder)
  expect(await claims()).toHaveLength(1)
  await release()
})

test.runIf(process.platform === 'linux')(
  'nor does that of an earlier process which had the number of one that runs now',
  async () => {
    await leave(`${process.pid}-1-deadbeef`)
    const release = await takeLock(folder)
    expect(await claims()).toHaveLength(1)
    await release()
  },
)

test('of many that try at once, no two ever hold it', async () => {
  let holders = 0
  const attempts = Array.from({ length: 8 }, async () => {
    const release = await takeLock(folder)
    expect(++holders).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    holders--
    await release()
  })
  const results = await Promise.allSettled(attempts)
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' })
})
