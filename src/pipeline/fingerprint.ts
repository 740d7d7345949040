/** Hashes of files and folders: what an output or input is, by content. */
import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Json } from './step.js'

/** What is known of a file without reading it. */
export interface FileState {
  readonly bytes: number
  /** When its content last changed, in milliseconds since 1970. */
  readonly modifiedMs: number
}

/** A file or folder: a hash of all its content, and the state of each file, by its path within. */
export interface Fingerprint {
  readonly hash: string
  /** By relative path, `/` between folders; a file itself has the path ''. */
  readonly files: Readonly<Record<string, FileState>>
}

/** Of something that is not there. */
export const ABSENT = 'absent'

/** Looks at all files below a path, and reads none; undefined where there is nothing. */
export async function filesOf(path: string): Promise<Record<string, FileState> | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return undefined
  if (!found.isDirectory()) return { '': stateOf(found) }
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort()
  const states = await Promise.all(
    names.map(async (name) => [name, stateOf(await stat(join(path, name)))] as const),
  )
  return Object.fromEntries(states)
}

const stateOf = (stats: { size: number; mtimeMs: number }): FileState => ({
  bytes: stats.size,
  modifiedMs: stats.mtimeMs,
})

/**
 * Reads all of a file or folder; undefined where there is nothing. Names count, times do not. With `sync` each file is on
 * disk when this returns.
 */
export async function fingerprint(
  path: string,
  { sync = false }: { sync?: boolean } = {},
): Promise<Fingerprint | undefined> {
  const files = await filesOf(path)
  if (!files) return undefined
  const hash = createHash('sha256')
  for (const [name, { bytes }] of Object.entries(files)) {
    hash.update(`${name}\0${bytes}\0`)
    const handle = await open(join(path, name))
    try {
      if (sync) await handle.sync()
      for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 2 ** 20 }))
        hash.update(chunk as Uint8Array)
    } finally {
      await handle.close()
    }
  }
  return { hash: hash.digest('hex'), files }
}

/** Whether a path still holds what the fingerprint says. Only files that were touched since are read. */
export async function isUnchanged(path: string, noted: Fingerprint): Promise<boolean> {
  const found = await filesOf(path)
  const names = Object.keys(noted.files)
  if (!found || Object.keys(found).length !== names.length) return false
  if (names.some((name) => found[name]?.bytes !== noted.files[name]?.bytes)) return false
  if (names.every((name) => found[name]?.modifiedMs === noted.files[name]?.modifiedMs)) return true
  return (await fingerprint(path))?.hash === noted.hash
}

/** SHA-256 of a JSON value, whatever the order of its keys. */
export function hashJson(value: Json): string {
  return createHash('sha256').update(canonical(value)).digest('hex')
}

/** JSON with sorted keys. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value as Readonly<Record<string, Json>>).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join()}}`
}
