/**
 * Checks that the directory of a zip and the headers before the members agree, so that every reader sees the
 * same files.
 */
import type { FileHandle } from 'node:fs/promises'
import type { Entry } from 'yauzl'
import { badArchive } from './errors.js'

/** `PK\3\4`, then 26 bytes; the lengths of name and extra field are the last two numbers (APPNOTE 4.3.7). */
const LOCAL_HEADER = 0x04034b50
const LOCAL_HEADER_BYTES = 30
/** As much of another name as a message can use. */
const SHOWN_NAME_BYTES = 256

/** A zip whose directory was read. */
export interface ZipLayout {
  readonly file: string
  readonly handle: FileHandle
  readonly entries: readonly Entry[]
  /** Where the directory begins; all members lie before it. */
  readonly directoryStart: number
}

/**
 * Where the bytes of each member begin. Refuses members that overlap (one byte range unpacked many times is
 * how small files become huge) and members whose own header has another name than the directory: TorchServe's
 * reader goes by the headers, ours by the directory.
 */
export async function checkLayout(layout: ZipLayout): Promise<ReadonlyMap<Entry, number>> {
  const ordered = layout.entries.toSorted(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  )
  const starts = new Map<Entry, number>()
  let free = 0
  for (const entry of ordered) {
    const refuse = (why: string) => badArchive(layout.file, why, { member: rawName(entry).toString('utf8') })
    if (entry.relativeOffsetOfLocalHeader < free) throw refuse('overlaps another member')
    const start = await startOf(layout, { entry, refuse })
    starts.set(entry, start)
    free = start + entry.compressedSize
    if (free > layout.directoryStart)
      throw refuse('reaches beyond its place; the file is damaged or truncated')
  }
  return starts
}

async function startOf(
  { handle }: ZipLayout,
  { entry, refuse }: { entry: Entry; refuse: (why: string) => Error },
): Promise<number> {
  const name = rawName(entry)
  const at = entry.relativeOffsetOfLocalHeader
  const header = Buffer.alloc(LOCAL_HEADER_BYTES + Math.max(name.length, SHOWN_NAME_BYTES))
  const { bytesRead } = await handle.read(header, 0, header.length, at)
  if (bytesRead < LOCAL_HEADER_BYTES || header.readUInt32LE(0) !== LOCAL_HEADER) throw refuse('has no header')
  const nameBytes = header.readUInt16LE(26)
  const own = header.subarray(LOCAL_HEADER_BYTES, Math.min(bytesRead, LOCAL_HEADER_BYTES + nameBytes))
  if (!own.equals(name))
    throw refuse(`has another name in its own header: ${JSON.stringify(own.toString('utf8').slice(0, 200))}`)
  return at + LOCAL_HEADER_BYTES + nameBytes + header.readUInt16LE(28)
}

/** With `decodeStrings` off yauzl gives the bytes of a name, which its types do not say. */
export const rawName = (entry: Entry) => entry.fileName as unknown as Buffer
