/**
 * Writes the zip form (`.mar`). TorchServe reads with Java's ZipInputStream, which goes from header to header
 * and refuses a stored member whose sizes follow it ("data descriptor"), as yazl writes every file. So each
 * header is written again once its sizes are known, as Python's zipfile does.
 */
import type { FileHandle } from 'node:fs/promises'
import { invalidFile } from '../errors.js'
import { writeAt, type MemberWriter } from './member-writer.js'
import { deflateInParallel } from './parallel-deflate.js'
import {
  defaultZip64,
  directoryHeader,
  dosTime,
  endOfDirectory,
  localHeader,
  MAX_32,
  needsWide,
  type Zip64Limits,
  type ZipEntry,
} from './zip-records.js'

/** How times are written. */
export interface ZipWriterOptions {
  /** Zip times have no zone; local time is the habit, UTC makes equal bytes everywhere. */
  readonly utc: boolean
  /** Default: where the 32-bit and 16-bit fields end. Lower ones are as valid, and let a test see zip64 in small. */
  readonly zip64From?: Zip64Limits
}

/** A writer into an empty file opened for writing. The caller closes the file. */
export function zipWriter(
  file: FileHandle,
  { utc, zip64From = defaultZip64 }: ZipWriterOptions,
): MemberWriter {
  const written: ZipEntry[] = []
  let position = 0
  const append = async (bytes: Uint8Array) => {
    await writeAt(file, { bytes, position })
    position += bytes.length
  }
  return {
    async add(member, body) {
      const name = Buffer.from(member.name)
      const wide = needsWide(member.bytes, zip64From)
      const start = position
      const { mode, stored } = member
      const modified = dosTime(member.modified, utc)
      const empty = { name, mode, stored, modified, start, wide, crc: 0, packedBytes: 0, bytes: 0 }
      await append(localHeader(empty))
      const bodyStart = position
      for await (const chunk of stored ? body : deflateInParallel(body)) await append(chunk)
      const { bytes, crc32: crc } = body.digest()
      const packedBytes = position - bodyStart
      if (!wide && Math.max(bytes, packedBytes) >= MAX_32)
        throw invalidFile(member.name, 'grew while it was packed')
      const entry = { ...empty, crc, packedBytes, bytes }
      await writeAt(file, { bytes: localHeader(entry), position: start })
      written.push(entry)
    },
    async finish() {
      const start = position
      const headers = written.map((entry) => directoryHeader(entry, zip64From))
      for (const header of headers) await append(header)
      const directory = { members: written.length, start, bytes: position - start }
      await append(endOfDirectory(directory, zip64From))
    },
    discard: () => undefined,
  }
}
