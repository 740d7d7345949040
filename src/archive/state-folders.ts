/**
 * Where a process that loads models keeps what it unpacks:
 *
 *     <state>/unpacked/                      the unpack cache, shared by all processes, which stays
 *     <state>/environments/                  Python environments with what models require, shared in the same way
 *     <state>/generations/<claim>/           folders of this process's generations, removed with it (claims.ts)
 */
import { rmSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isClaimLive, nameOfClaim } from '../claims.js'

/** Folders of one process, in the shape that `openGeneration` takes. */
export interface StateFolders {
  readonly cacheDir: string
  /** Python environments with what models require. */
  readonly environmentsDir: string
  readonly generationsDir: string
  /** Removes the folders of generations. */
  remove(): Promise<void>
}

// A process that ends without an orderly stop, as at a second Ctrl-C, leaves none of them behind either.
const open = new Set<string>()
process.on('exit', () => {
  for (const folder of open) rmSync(folder, { recursive: true, force: true })
})

/** Makes the folders of this process, and removes those of processes that were killed. Default: `marina` in the user's cache folder. */
export async function openStateFolders(stateDir = defaultStateDir()): Promise<StateFolders> {
  const generations = join(stateDir, 'generations')
  // For their owner alone: weights and handlers lie in them.
  await mkdir(generations, { recursive: true, mode: 0o700 })
  await removeLeftovers(generations)
  const generationsDir = join(generations, await nameOfClaim())
  open.add(generationsDir)
  return {
    cacheDir: join(stateDir, 'unpacked'),
    environmentsDir: join(stateDir, 'environments'),
    generationsDir,
    async remove() {
      await rm(generationsDir, { recursive: true, force: true })
      open.delete(generationsDir)
    },
  }
}

const defaultStateDir = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'marina')

async function removeLeftovers(generations: string): Promise<void> {
  const names = await readdir(generations)
  await Promise.all(
    names.map(async (name) => {
      if (!(await isClaimLive(name))) await rm(join(generations, name), { recursive: true, force: true })
    }),
  )
}
