/** Compares what stands around the members of a zip with what Marina writes there, byte for byte. */
import type { FileHandle } from 'node:fs/promises'
import type { Entry } from 'yauzl'
import type { HeaderProblem } from './container.js'
import { rawName } from './zip-layout.js'
import {
  defaultZip64,
  directoryHeader,
  endOfDirectory,
  localHeader,
  needsWide,
  type ZipEntry,
} from './zip-records.js'

/** An opened zip, its entries in the order of its directory. */
export interface OpenedZip {
  readonly file: string
  readonly handle: FileHandle
  readonly entries: readonly Entry[]
}

/**
 * All headers are made again from what the directory says of sizes, CRCs and times, and from the permission bits of
 * `modeOf`; where the file has other bytes, the member is named. CRCs and sizes themselves are checked when the members
 * are read.
 */
export async function zipHeaderProblems(
  { handle, entries }: OpenedZip,
  modeOf: (name: string) => number | undefined,
): Promise<readonly HeaderProblem[]> {
  const problems: HeaderProblem[] = []
  let position = 0
  const compare = async (expected: Buffer, member?: string) => {
    const found = Buffer.alloc(expected.length)
    const { bytesRead } = await handle.read(found, 0, found.length, position)
    position += expected.length
    if (bytesRead < expected.length || !found.equals(expected))
      problems.push({ member, why: member === undefined ? DIRECTORY_END : HEADER })
  }
  const made: ZipEntry[] = []
  for (const entry of entries) {
    const header = entryOf(entry, { start: position, mode: modeOf(rawName(entry).toString('utf8')) })
    made.push(header)
    await compare(localHeader(header), header.name.toString('utf8'))
    position += header.packedBytes
  }
  const start = position
  for (const entry of made) await compare(directoryHeader(entry, defaultZip64), entry.name.toString('utf8'))
  const directory = { members: made.length, start, bytes: position - start }
  await compare(endOfDirectory(directory, defaultZip64))
  if (position !== (await handle.stat()).size) problems.push({ member: undefined, why: TRAILING })
  return problems
}

const HEADER = 'its header is not as it was packed'
const DIRECTORY_END = 'the end of its directory is not as it was packed'
const TRAILING = 'it has bytes after its end'

function entryOf(entry: Entry, { start, mode }: { start: number; mode: number | undefined }): ZipEntry {
  return {
    name: rawName(entry),
    mode: mode ?? (entry.externalFileAttributes >>> 16) & 0o777,
    stored: entry.compressionMethod === 0,
    modified: { date: entry.lastModFileDate, time: entry.lastModFileTime },
    start,
    wide: needsWide(entry.uncompressedSize, defaultZip64),
    crc: entry.crc32,
    packedBytes: entry.compressedSize,
    bytes: entry.uncompressedSize,
  }
}
