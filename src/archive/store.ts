/** A model store: a folder of archives, one file or folder for each version of a model. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MarinaError } from '../errors.js'
import { systemCode, unreadableFile } from './errors.js'
import { exists } from './replace-file.js'
import { MANIFEST_MEMBER } from './manifest.js'
import { openArchive, type OpenOptions } from './open-archive.js'

/** One archive of a store: what its manifest says, or why it cannot be read. */
export type StoreEntry =
  | { readonly kind: 'archive'; readonly file: string; readonly name: string; readonly version: string }
  | { readonly kind: 'damaged'; readonly file: string; readonly problem: string }

/**
 * The archives of a store (`.mar`, `.tar.gz`, `.tgz`, folders with a manifest) in order of their file names;
 * other files are passed over. An archive without a name in its manifest is called as its file. A store that
 * does not exist is empty.
 */
export async function listStore(store: string, options: OpenOptions = {}): Promise<readonly StoreEntry[]> {
  const entries = await readdir(store, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw unreadableFile(store, error)
  })
  const listed: StoreEntry[] = []
  for (const { name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = join(store, name)
    const isArchive = suffix.test(name) || (await exists(join(file, MANIFEST_MEMBER)))
    if (isArchive && !name.startsWith('.')) listed.push(await entryOf(file, { fileName: name, ...options }))
  }
  return listed
}

const suffix = /\.(mar|tar\.gz|tgz)$/

async function entryOf(file: string, options: OpenOptions & { fileName: string }): Promise<StoreEntry> {
  try {
    const archive = await openArchive(file, options)
    await archive.close()
    const { modelName, modelVersion } = archive.manifest.model
    return {
      kind: 'archive',
      file,
      name: modelName ?? options.fileName.replace(suffix, ''),
      version: modelVersion,
    }
  } catch (error) {
    if (!(error instanceof MarinaError)) throw error
    return { kind: 'damaged', file, problem: error.message }
  }
}

/**
 * The next free version of a model in a store: `1.0`, `2.0`, `3.0` …, one above the highest whole number in
 * use, so that a number is not given out again while a higher one is there. Counts what manifests say, and
 * files called `<name>-<version>.mar`, even damaged ones, since the new archive must not meet them.
 */
export async function nextVersion(store: string, name: string): Promise<string> {
  const prefix = `${name}-`
  const versions = (await listStore(store)).flatMap((entry) => {
    const fileName = basename(entry.file).replace(suffix, '')
    const inName = fileName.startsWith(prefix) ? [fileName.slice(prefix.length)] : []
    return entry.kind === 'archive' && entry.name === name ? [entry.version, ...inName] : inName
  })
  const majors = versions.map((version) => Number(/^(\d{1,15})(\.|$)/.exec(version)?.[1] ?? 0))
  return `${Math.max(0, ...majors) + 1}.0`
}
