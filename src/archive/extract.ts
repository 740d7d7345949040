/**
 * Writes a container's members into a new folder: regular files only, each created by us, nothing left when
 * it fails.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Container, Member } from './container.js'
import { systemCode } from './errors.js'
import { progressOver, type Progress } from './progress.js'
import { invalidArchive, misuse } from '../errors.js'

/** Options of {@link extract}. */
export interface ExtractOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Permission bits of a member's file; default 0644, or 0755 for an executable. */
  readonly modeOf?: (member: Member) => number
}

/**
 * Unpacks into `folder`, which must not exist; its parent is made when missing. The files are written beside
 * it and renamed when all are there. Throws `misuse` when the folder exists, `invalid-archive` as the
 * container does.
 */
export async function extract(
  container: Container,
  folder: string,
  options: ExtractOptions = {},
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const beside = `${folder}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await extractInto(container, beside, options)
    await rename(beside, folder)
  } catch (error) {
    await rm(beside, { recursive: true, force: true })
    const code = systemCode(error)
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR')
      throw misuse(`${folder} exists already; unpack into a folder that does not exist yet`)
    throw error
  }
}

/** Unpacks into `folder`, which is made (0700) and must be new. The caller removes it when this throws. */
export async function extractInto(
  container: Container,
  folder: string,
  options: ExtractOptions,
): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  const modeOf = options.modeOf ?? plainMode
  const made = new Set<string>()
  const progress = progressOver(container.members, options.onProgress)
  const visit = async (member: Member, body: AsyncIterable<Uint8Array>) => {
    const path = join(folder, member.name)
    const parent = dirname(path)
    if (!made.has(parent)) await mkdir(parent, { recursive: true })
    made.add(parent)
    await writeNew(path, { member, body: progress(member.name, body), mode: modeOf(member) })
  }
  await container.each(visit, { signal: options.signal })
}

const plainMode = (member: Member) => (member.executable ? 0o755 : 0o644)

/**
 * `wx`: a name that meets an earlier file (a file system that ignores case) fails instead of overwriting it.
 */
async function writeNew(
  path: string,
  { member, body, mode }: { member: Member; body: AsyncIterable<Uint8Array>; mode: number },
): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error
    throw invalidArchive(
      `member ${JSON.stringify(member.name)}: this file system takes its name for that of another member`,
      error,
    )
  })
  try {
    await writeFile(file, body)
    await file.chmod(mode)
  } finally {
    await file.close()
  }
}
