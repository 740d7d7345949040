/**
 * One load of a model: a folder of its own that its handler may write into, made from the shared unpack
 * cache.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MarinaError } from '../errors.js'
import { systemCode, unreadableFile } from './errors.js'
import type { JsonObject } from './json.js'
import type { Examples, Manifest, ModelSchema, Provenance } from './manifest.js'
import { openArchive, type Archive } from './open-archive.js'
import { cachedTree, LINK_FROM_BYTES, type CachedTree, type CacheOptions } from './unpack-cache.js'

/** Options of {@link openGeneration}. */
export interface GenerationOptions extends CacheOptions {
  /** Where the folders of generations are made, one each under an unpredictable name. */
  readonly generationsDir: string
  /** An empty folder that was made in advance for this one, by {@link reserveGeneration}; a project's generation takes it. */
  readonly reservedDir?: string | undefined
}

/** Makes the folder of a generation that is still to come. */
export async function reserveGeneration({
  generationsDir,
}: Pick<GenerationOptions, 'generationsDir'>): Promise<string> {
  const dir = join(resolve(generationsDir), randomBytes(16).toString('hex'))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return dir
}

/** A loaded archive. `close` removes its folder (never a user's own folder) and may be called twice. */
export interface Generation {
  /** Absolute. Writable by the handler; files above 1 MiB are read-only and shared. */
  readonly dir: string
  readonly source: string
  readonly manifest: Manifest
  readonly rawManifest: JsonObject | undefined
  readonly schema: ModelSchema | undefined
  readonly examples: Examples | undefined
  readonly provenance: Provenance | undefined
  /** SHA-256 of the archive's file; undefined for a folder, which is used where it lies. */
  readonly sha256: string | undefined
  close(): Promise<void>
}

/**
 * Makes a generation of a `.mar`, a `.tar.gz` or a folder. A folder is used in place. Nothing is left behind
 * when it fails. Throws as `openArchive`.
 */
export async function openGeneration(source: string, options: GenerationOptions): Promise<Generation> {
  const path = resolve(source)
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      throw unreadableFile(path, error)
    },
  )
  if (isFolder) return inPlace(path, options)
  const dir = join(resolve(options.generationsDir), randomBytes(16).toString('hex'))
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    const sha256 = await fill(dir, { archive: path, options })
    const facts = await factsOf(dir, options)
    return { ...facts, dir, source: path, sha256, close: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function inPlace(path: string, options: GenerationOptions): Promise<Generation> {
  const { dir, ...facts } = await factsOf(path, options)
  return { ...facts, dir, source: path, sha256: undefined, close: () => Promise.resolve() }
}

/** What an unpacked folder says of itself. */
export async function factsOf(folder: string, options: GenerationOptions) {
  const archive: Archive = await openArchive(folder, options)
  const { source: dir, manifest, rawManifest, schema, examples, provenance } = archive
  await archive.close()
  return { dir, manifest, rawManifest, schema, examples, provenance }
}

/**
 * Another process may empty the cache between finding a tree and linking its files; once more is then enough,
 * or the disk is too small.
 */
const ATTEMPTS = 3

async function fill(
  dir: string,
  { archive, options }: { archive: string; options: GenerationOptions },
): Promise<string> {
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 })
  for (let attempt = 1; ; attempt++) {
    try {
      const tree = await cachedTree(archive, options)
      await mkdir(dir, { mode: 0o700 })
      await placeFiles(dir, { tree, signal: options.signal })
      return tree.sha256
    } catch (error) {
      await rm(dir, { recursive: true, force: true })
      if (error instanceof MarinaError || systemCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error
    }
  }
}

async function placeFiles(
  dir: string,
  { tree, signal }: { tree: CachedTree; signal: AbortSignal | undefined },
): Promise<void> {
  const made = new Set([dir])
  for (const { name, bytes } of tree.files) {
    signal?.throwIfAborted()
    const to = join(dir, name)
    if (!made.has(dirname(to))) await mkdir(dirname(to), { recursive: true })
    made.add(dirname(to))
    await placeFile(to, { from: join(tree.folder, name), bytes })
  }
}

/** Puts a file of `bytes` bytes into a generation's folder: large ones are linked, small ones copied. */
export const placeFile = (to: string, { from, bytes }: { from: string; bytes: number }): Promise<void> =>
  bytes > LINK_FROM_BYTES ? linkOrCopy(from, to) : clone(from, to)

/**
 * Linking fails across file systems, beyond a file's number of links, and where there are none. A missing
 * source is an error.
 */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw error
    await clone(from, to)
  }
}

/** Shares the blocks where the file system can (`FICLONE`), else copies. */
const clone = (from: string, to: string) => copyFile(from, to, constants.COPYFILE_FICLONE)
