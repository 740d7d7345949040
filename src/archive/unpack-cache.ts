/**
 * A folder of unpacked archives, named by the SHA-256 of the archive's file and shared by all who use the
 * folder:
 *
 *     <cache>/trees/<sha256>/tree/…      what was unpacked; large files are read-only, for they get linked
 *     <cache>/trees/<sha256>/tree.json   size and time of each file, written before the folder gets its name
 *     <cache>/trees/<name>.tmp/          one that is being unpacked, or removed
 *     <cache>/hashes/                    remembered hashes of archive files
 *
 * A tree appears by one rename, so it is whole when it is there. The time of its folder is its last use.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, own } from './json.js'
import { badArchive, systemCode } from './errors.js'
import { extractInto } from './extract.js'
import { identityOf, rememberedHash } from './file-hash.js'
import { openWithContainer, type OpenOptions } from './open-archive.js'

/** Files above this size are hard-linked into a generation's folder instead of copied. */
export const LINK_FROM_BYTES = 1 << 20

/** Room for some dozens of ordinary models, or for one large language model. */
const DEFAULT_MAX_BYTES = 20 * 2 ** 30
/** What an interrupted unpacking left is removed when it is this old. */
const STALE_MS = 24 * 3600 * 1000

/** Options of {@link cachedTree}. */
export interface CacheOptions extends OpenOptions {
  readonly cacheDir: string
  /**
   * Trees unused for longest are removed above this many bytes, default 20 GiB. The one just asked for stays, and so
   * does one whose files are linked into a generation: removing it would free nothing.
   */
  readonly maxCacheBytes?: number | undefined
}

/** An unpacked archive in the cache. It may be removed by another process at any time. */
export interface CachedTree {
  readonly folder: string
  readonly files: readonly CachedFile[]
  readonly sha256: string
}

/** One file of a tree. */
export interface CachedFile {
  readonly name: string
  readonly bytes: number
}

/**
 * The tree of an archive file, unpacked now if it is not there. Of two who unpack the same archive at once
 * the later one uses the earlier one's tree. Throws as `openArchive`, and `invalid-archive` when the file
 * changes meanwhile.
 */
export async function cachedTree(archive: string, options: CacheOptions): Promise<CachedTree> {
  const trees = join(options.cacheDir, 'trees')
  await mkdir(trees, { recursive: true, mode: 0o700 })
  const identity = await identityOf(archive)
  const sha256 = await rememberedHash(archive, {
    memory: join(options.cacheDir, 'hashes'),
    signal: options.signal,
  })
  const home = join(trees, sha256)
  const found = await readTree(home, sha256)
  if (found) {
    await utimes(home, new Date(), new Date()).catch(() => undefined)
    return found
  }
  await unpackTree(archive, { ...options, trees, home, identity })
  await makeRoom(trees, { keep: sha256, maxBytes: options.maxCacheBytes ?? DEFAULT_MAX_BYTES })
  const made = await readTree(home, sha256)
  if (!made) throw badArchive(archive, 'its unpacked copy vanished from the cache; try again')
  return made
}

interface Unpacking extends CacheOptions {
  readonly trees: string
  readonly home: string
  readonly identity: string
}

async function unpackTree(archive: string, unpacking: Unpacking): Promise<void> {
  const beside = join(unpacking.trees, `${randomBytes(8).toString('hex')}.tmp`)
  try {
    await mkdir(beside, { mode: 0o700 })
    const opened = await openWithContainer(archive, unpacking)
    try {
      const tree = join(beside, 'tree')
      await extractInto(opened.container, tree, { signal: unpacking.signal, modeOf })
      const files = await Promise.all(opened.members().map(({ name }) => noteOf(tree, name)))
      await writeFile(join(beside, 'tree.json'), JSON.stringify({ files }))
    } finally {
      await opened.close()
    }
    if ((await identityOf(archive)) !== unpacking.identity)
      throw badArchive(archive, 'changed while it was read; register it when it is written completely')
    await publish(beside, unpacking.home)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

/** Linked files are one file for all generations: nobody may write into them. */
function modeOf({ bytes, executable }: { bytes: number; executable: boolean }): number {
  const mode = executable ? 0o755 : 0o644
  return bytes > LINK_FROM_BYTES ? mode & 0o555 : mode
}

/** A tree that is there already is another process's, or a damaged one that stood in the way. */
async function publish(beside: string, home: string): Promise<void> {
  try {
    await rename(beside, home)
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error
    if (await readTree(home, '')) return
    await remove(home)
    await rename(beside, home)
  }
}

/** What a file of a tree must still be when it is used again; whoever writes into it changes its time. */
async function noteOf(tree: string, name: string): Promise<CachedFile & { modifiedMs: number }> {
  const { size, mtimeMs } = await stat(join(tree, name))
  return { name, bytes: size, modifiedMs: mtimeMs }
}

/**
 * A tree as it was unpacked; undefined when it is absent, when a crash left files shorter, or when one was written to
 * since.
 */
async function readTree(home: string, sha256: string): Promise<CachedTree | undefined> {
  const folder = join(home, 'tree')
  try {
    const value: unknown = JSON.parse(await readFile(join(home, 'tree.json'), 'utf8'))
    const listed = isObject(value) ? own(value, 'files') : undefined
    if (!Array.isArray(listed)) return undefined
    const files = await Promise.all(listed.map((file: unknown) => wholeFile(folder, file)))
    return { folder, files, sha256 }
  } catch {
    return undefined
  }
}

async function wholeFile(folder: string, value: unknown): Promise<CachedFile> {
  const name = isObject(value) ? own(value, 'name') : undefined
  const bytes = isObject(value) ? own(value, 'bytes') : undefined
  const modifiedMs = isObject(value) ? own(value, 'modifiedMs') : undefined
  if (typeof name !== 'string' || typeof bytes !== 'number') throw new Error('tree.json is damaged')
  const found = await stat(join(folder, name))
  if (found.size !== bytes || found.mtimeMs !== modifiedMs)
    throw new Error(`${name} is not as it was unpacked`)
  return { name, bytes }
}

/** Removes the trees unused for longest until the rest fits, and what interrupted unpackings left. */
async function makeRoom(
  trees: string,
  { keep, maxBytes }: { keep: string; maxBytes: number },
): Promise<void> {
  const homes = await Promise.all((await readdir(trees)).map((name) => usage(trees, name)))
  const stale = homes.filter((home) => home.name.endsWith('.tmp') && Date.now() - home.usedMs > STALE_MS)
  for (const home of stale) await rm(home.path, { recursive: true, force: true })
  const complete = homes.filter((home) => !home.name.endsWith('.tmp')).sort((a, b) => a.usedMs - b.usedMs)
  let bytes = complete.reduce((sum, home) => sum + home.bytes, 0)
  for (const home of complete) {
    if (bytes <= maxBytes) return
    if (home.name === keep || home.inUse) continue
    await remove(home.path)
    bytes -= home.bytes
  }
}

async function usage(trees: string, name: string) {
  const path = join(trees, name)
  const usedMs = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  )
  const files = name.endsWith('.tmp') ? undefined : await readTree(path, name)
  const bytes = (files?.files ?? []).reduce((sum, file) => sum + file.bytes, 0)
  return { name, path, usedMs, bytes, inUse: files !== undefined && (await isLinked(files)) }
}

/** Whether a generation, of any process, has links to its large files. */
async function isLinked({ folder, files }: CachedTree): Promise<boolean> {
  const large = files.filter(({ bytes }) => bytes > LINK_FROM_BYTES)
  const links = await Promise.all(large.map(({ name }) => stat(join(folder, name))))
  return links.some(({ nlink }) => nlink > 1)
}

/** Out of sight first, so that nobody finds half a tree. */
async function remove(home: string): Promise<void> {
  const aside = `${home}-${randomBytes(6).toString('hex')}.tmp`
  const moved = await rename(home, aside).then(
    () => true,
    () => false,
  )
  if (moved) await rm(aside, { recursive: true, force: true })
}
