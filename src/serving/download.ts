/** Fetches an archive from a URL into the model store (contract security C): whole, or not at all. */
import { constants, createWriteStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { exists, writeInPlace } from '../archive/replace-file.js'
import { MarinaError } from '../errors.js'
import type { Pattern } from '../config/patterns.js'
import type { Logger } from '../log.js'
import { downloadFailed, modelFileExists } from './errors.js'
import { openHttp, type HttpLimits } from './open-http.js'

/** Where to, and how much of it. */
export interface DownloadOptions extends HttpLimits {
  /** Absolute path of an existing folder. */
  readonly modelStore: string
  /** Largest archive in bytes. */
  readonly maxBytes: number
  readonly log: Logger
}

/** An archive on this machine. */
export interface FetchedArchive {
  readonly path: string
  /** Removes the file, if it was fetched and nobody has replaced it since. */
  remove(): Promise<void>
}

/**
 * Fetches `url`, which is allowed, under the last segment of its path. Rejects with model-file-exists before anything
 * is fetched, and with download-failed; then nothing of it is left.
 */
export async function download(url: string, options: DownloadOptions): Promise<FetchedArchive> {
  const name = fileNameOf(url)
  const path = join(options.modelStore, name)
  if (await exists(path)) throw modelFileExists(name)
  if (allowsAnything(options.allowedUrls)) options.log.warn(ANY_URL, { url })
  try {
    const fill = (beside: string) => save(url, { ...options, beside })
    const inode = await writeInPlace(path, { force: false, fill })
    options.log.info('An archive was fetched.', { url, path })
    return { path, remove: () => removeOwn(path, inode) }
  } catch (error) {
    // Somebody else was faster; the file is theirs.
    if (error instanceof MarinaError && error.code === 'misuse') throw modelFileExists(name)
    throw downloadFailed(url, error)
  }
}

const ANY_URL =
  'allowed_urls lets archives come from any URL, and an archive runs code: name the URLs you trust.'

/** No host ends in `.invalid` (RFC 2606), so only a pattern for all hosts matches this one. */
const allowsAnything = (allowed: readonly Pattern[]): boolean =>
  allowed.some((pattern) => pattern.matches('http://any.invalid/any'))

/** The last segment of the path, still percent-encoded; a dot in front would hide it from listings of the store. */
function fileNameOf(url: string): string {
  const name = URL.canParse(url) ? basename(new URL(url).pathname) : ''
  if (name === '' || name.startsWith('.'))
    throw downloadFailed(url, new Error('its path ends in no file name'))
  return name
}

/** Writes the file and syncs it; gives its inode. */
async function save(url: string, options: DownloadOptions & { readonly beside: string }): Promise<number> {
  const source = await openSource(new URL(url), options)
  const file = createWriteStream(options.beside, { flags: 'wx', mode: 0o644, flush: true })
  const { signal } = options
  await pipeline(source, bounded(options.maxBytes), file, { ...(signal && { signal }) })
  return (await stat(options.beside)).ino
}

const openSource = (url: URL, options: DownloadOptions): Promise<Readable> =>
  url.protocol === 'file:' ? openFile(fileURLToPath(url)) : openHttp(url, options)

/** Only a regular file: a pipe would keep us waiting for ever, and a device has no end. */
async function openFile(path: string): Promise<Readable> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if ((await file.stat()).isFile()) return file.createReadStream()
  await file.close()
  throw new Error('it is not a regular file')
}

const bounded = (maxBytes: number) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const piece of source) {
      bytes += piece.length
      if (bytes > maxBytes) throw new Error(`it is larger than max_download_size, ${maxBytes} bytes`)
      yield piece
    }
  }

async function removeOwn(path: string, inode: number): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.ino === inode) await rm(path, { force: true })
}
