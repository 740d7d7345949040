/** SHA-256 of files, and a memory of it, so that a restart does not read a gigabyte again. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { startDigestThread, THREAD_FROM_BYTES } from './digest-client.js'
import { isObject, own } from './json.js'

/** Lower-case hex SHA-256 of a file's bytes; a large file is read in a thread. Throws the system's error. */
export async function hashFile(
  file: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string> {
  if ((await stat(file)).size >= THREAD_FROM_BYTES) return hashInThread(file, signal)
  const hash = createHash('sha256')
  const source = createReadStream(file, { highWaterMark: 1 << 20 })
  await pipeline(source, hash, signal ? { signal } : {})
  return hash.digest('hex')
}

async function hashInThread(file: string, signal: AbortSignal | undefined): Promise<string> {
  signal?.throwIfAborted()
  const thread = startDigestThread()
  const stop = () => void thread.stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return (await thread.file(file)).sha256
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await thread.stop()
  }
}

/** Lower-case hex SHA-256 of a text or of bytes. */
export function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** What tells a file's content from an earlier one under the same path. */
export async function identityOf(file: string): Promise<string> {
  const { size, mtimeNs, ino, dev } = await stat(file, { bigint: true })
  return [size, mtimeNs, ino, dev].join(':')
}

/**
 * {@link hashFile} through a folder of remembered hashes: one small file per path, believed while size, time,
 * inode and device are the same. A memory that cannot be read or written is only slower.
 */
export async function rememberedHash(
  file: string,
  { memory, signal }: { memory: string; signal?: AbortSignal | undefined },
): Promise<string> {
  const identity = await identityOf(file)
  const note = join(memory, `${hashOf(file)}.json`)
  const remembered = await readNote(note, identity)
  if (remembered !== undefined) return remembered
  const sha256 = await hashFile(file, { signal })
  if (!(await hasSettled(file, identity))) return sha256
  await writeNote(note, { memory, text: JSON.stringify({ file, identity, sha256 }) }).catch(() => undefined)
  return sha256
}

/**
 * File times move in steps of some milliseconds, so that two writings in a row may look alike: such a hash is
 * not kept.
 */
const SETTLED_MS = 2000

async function hasSettled(file: string, identity: string): Promise<boolean> {
  const { mtimeMs } = await stat(file)
  return Date.now() - mtimeMs > SETTLED_MS && (await identityOf(file)) === identity
}

async function readNote(note: string, identity: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(note, 'utf8'))
    if (!isObject(value) || own(value, 'identity') !== identity) return undefined
    const sha256 = own(value, 'sha256')
    return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined
  } catch {
    return undefined
  }
}

async function writeNote(note: string, { memory, text }: { memory: string; text: string }): Promise<void> {
  await mkdir(memory, { recursive: true, mode: 0o700 })
  const beside = `${note}.${randomBytes(6).toString('hex')}.tmp`
  await writeFile(beside, text, { mode: 0o600 })
  await rename(beside, note)
}
