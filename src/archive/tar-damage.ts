/**
 * What can still be read of a damaged tarball. gzip guards the whole with one checksum at its end, so a changed byte in a
 * member spoils no more than that member's hash: the deflated bytes are read without gzip's frame, to where they break.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createInflateRaw } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import { meterOf, type Limits } from './limits.js'

/** As Marina writes it, without a file name or extra fields (RFC 1952, 2.3). */
const GZIP_HEADER_BYTES = 10
/** Small, since what is unpacked together with the bytes that break is lost. */
const READ_BYTES = 1024

/** What was found before the damage, or despite it. */
export interface Remains {
  readonly whole: ReadonlyMap<string, { readonly bytes: number; readonly sha256: string }>
  /** The last member that was found, in part or whole: behind the damage nothing may be found any more. */
  readonly last: string | undefined
  /** The bytes of the member that was asked for, where it is whole. */
  readonly wanted: Buffer | undefined
}

/** Reads what there is, within the limits; undefined for a file that is no gzip. Never throws for damage. */
export async function readRemains(
  file: string,
  { wanted, limits }: { wanted: string; limits: Limits },
): Promise<Remains | undefined> {
  if (!(await isGzip(file))) return undefined
  const meter = meterOf(file, (await stat(file)).size, limits)
  const parser = new Parser()
  const whole = new Map<string, { bytes: number; sha256: string }>()
  const kept: Uint8Array[] = []
  let last: string | undefined
  parser.on('entry', (entry: ReadEntry) => {
    const hash = createHash('sha256')
    // Without the first step, which is the model's name in every tarball that holds hashes.
    const name = entry.path.slice(entry.path.indexOf('/') + 1)
    last = name
    entry.on('data', (bytes) => {
      hash.update(bytes)
      if (name === wanted) kept.push(bytes)
    })
    entry.on('end', () => {
      whole.set(name, { bytes: entry.size, sha256: hash.digest('hex') })
    })
  })
  const deflated = createReadStream(file, { start: GZIP_HEADER_BYTES, highWaterMark: READ_BYTES })
  const inflated = deflated.pipe(createInflateRaw())
  try {
    for await (const bytes of inflated) {
      meter.countBytes((bytes as Buffer).length)
      parser.write(bytes as Buffer)
    }
  } catch {
    // What came before it counts.
  } finally {
    deflated.destroy()
    inflated.destroy()
  }
  return { whole, last, wanted: whole.has(wanted) ? Buffer.concat(kept) : undefined }
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file, 'r')
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.readUInt16BE(0) === 0x1f8b
  } finally {
    await handle.close()
  }
}
