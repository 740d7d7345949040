/**
 * Puts a finished file or folder in its place at once: written beside, synced, renamed; nothing half-written
 * is ever seen.
 */
import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { misuse } from '../errors.js'
import { systemCode } from './errors.js'
import { MANIFEST_MEMBER } from './manifest.js'

/** The original's words, which scripts look for (contract archive §3.8). */
export const alreadyExists = (path: string) =>
  misuse(
    `${path} already exists.\nPlease specify --force/-f option to overwrite ` +
      'the model archive output file.\nSee -h/--help for more details.',
  )

/** True when something of that name is there, a dangling link included. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** How a finished file or folder takes its place. */
export interface PlaceOptions<T> {
  /** Without it an existing path is refused (`misuse`), also one that appears meanwhile. */
  readonly force: boolean
  /** With `force`, of an existing folder: only the files that `fill` made are replaced. */
  readonly keepOthers?: boolean
  readonly fill: (beside: string) => Promise<T>
}

/**
 * Calls `fill` with a fresh name beside `path` and moves what it made to `path`, or, with `force`, to the file
 * that `path` links to. When anything fails, what was written is removed and `path` is as before (with
 * `keepOthers`: each of its files is either the old or the new one).
 */
export async function writeInPlace<T>(path: string, options: PlaceOptions<T>): Promise<T> {
  const { force, fill } = options
  if (!force && (await exists(path))) throw alreadyExists(path)
  const target = force ? await realpath(path).catch(() => path) : path
  const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const result = await fill(beside)
    await moveInto(target, { ...options, beside })
    await syncFolder(dirname(target))
    return result
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

interface Move {
  readonly beside: string
  readonly force: boolean
  readonly keepOthers?: boolean
}

async function moveInto(path: string, { beside, force, keepOthers = false }: Move): Promise<void> {
  const isFolder = (await lstat(beside)).isDirectory()
  if (isFolder && force) return keepOthers ? moveEach(path, beside) : swapFolder(path, beside)
  if (isFolder) return renameNew(path, beside)
  if (force) return rename(beside, path)
  try {
    // Unlike rename, link fails when another process was faster.
    await link(beside, path)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw alreadyExists(path)
    await renameNew(path, beside) // a file system without hard links
  }
}

/** The manifest comes last, so that it never speaks of files that could not be moved. */
async function moveEach(folder: string, beside: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const isManifest = ({ name }: { name: string }) => name === dirname(MANIFEST_MEMBER)
  const entries = await readdir(beside, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => Number(isManifest(a)) - Number(isManifest(b)))) {
    const [from, to] = [join(beside, entry.name), join(folder, entry.name)]
    await (entry.isDirectory() ? moveEach(to, from) : rename(from, to))
  }
}

async function renameNew(path: string, beside: string): Promise<void> {
  if (await exists(path)) throw alreadyExists(path)
  await rename(beside, path)
}

/**
 * A folder cannot be replaced in one step: the old one steps aside and comes back when the new one cannot
 * take its place.
 */
async function swapFolder(path: string, beside: string): Promise<void> {
  if (!(await exists(path))) return rename(beside, path)
  const aside = `${beside}.old`
  await rename(path, aside)
  try {
    await rename(beside, path)
  } catch (error) {
    await rename(aside, path)
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch {
    // Some network file systems cannot sync a folder; the rename itself has happened.
  } finally {
    await handle.close()
  }
}
