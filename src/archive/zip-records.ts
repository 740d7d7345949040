/**
 * The records of a zip file as Marina writes them, bytes only. APPNOTE 6.3: 4.3.7 local header, 4.3.12 directory, 4.3.14–16
 * end, 4.5.3 zip64.
 */

/** The largest values of zip's 32-bit and 16-bit fields; they stand for "see zip64". */
export const MAX_32 = 0xffffffff
const MAX_16 = 0xffff

/** One member, as the directory lists it. */
export interface ZipEntry {
  readonly name: Buffer
  /** Permission bits. */
  readonly mode: number
  readonly stored: boolean
  readonly modified: DosTime
  /** Where its own header begins. */
  readonly start: number
  /** Its sizes are written as 64-bit numbers. */
  readonly wide: boolean
  readonly crc: number
  readonly packedBytes: number
  readonly bytes: number
}

/** Two-second steps, 1980 to 2107. */
export interface DosTime {
  readonly date: number
  readonly time: number
}

/** Where zip64 begins. */
export interface Zip64Limits {
  /** Sizes and offsets. */
  readonly bytes: number
  readonly members: number
}

/** Where the narrow fields end. */
export const defaultZip64: Zip64Limits = { bytes: MAX_32, members: MAX_16 }

/** A member's header needs wide sizes a little early, since deflate may make a file longer. */
export const needsWide = (bytes: number, zip64From: Zip64Limits): boolean => bytes >= zip64From.bytes / 1.05

/** Fields that both headers share, from "version needed" to the uncompressed size (26 − 4 bytes). */
function commonFields(entry: ZipEntry, wide: boolean): Buffer {
  const fields = Buffer.alloc(22)
  const { date, time } = entry.modified
  fields.writeUInt16LE(wide ? 45 : 20, 0)
  fields.writeUInt16LE(isAscii(entry.name) ? 0 : 1 << 11, 2)
  fields.writeUInt16LE(entry.stored ? 0 : 8, 4)
  fields.writeUInt16LE(time, 6)
  fields.writeUInt16LE(date, 8)
  fields.writeUInt32LE(entry.crc, 10)
  fields.writeUInt32LE(wide ? MAX_32 : entry.packedBytes, 14)
  fields.writeUInt32LE(wide ? MAX_32 : entry.bytes, 18)
  return fields
}

/** What stands before a member's bytes. */
export function localHeader(entry: ZipEntry): Buffer {
  const extra = entry.wide ? wideField([entry.bytes, entry.packedBytes]) : Buffer.alloc(0)
  return Buffer.concat([
    uint32(0x04034b50),
    commonFields(entry, entry.wide),
    uint16(entry.name.length),
    uint16(extra.length),
    entry.name,
    extra,
  ])
}

/** A member's place in the directory. */
export function directoryHeader(entry: ZipEntry, zip64From: Zip64Limits): Buffer {
  const farAway = entry.start >= zip64From.bytes
  const wide = entry.wide || farAway
  const extra = wide ? wideField([entry.bytes, entry.packedBytes, entry.start]) : Buffer.alloc(0)
  return Buffer.concat([
    uint32(0x02014b50),
    uint16((3 << 8) | 45), // made on Unix, so that the mode below is read
    commonFields(entry, wide),
    uint16(entry.name.length),
    uint16(extra.length),
    Buffer.alloc(6), // comment, disk, internal attributes
    uint32((0o100000 | entry.mode) * 0x10000),
    uint32(wide ? MAX_32 : entry.start),
    entry.name,
    extra,
  ])
}

/** The directory, which comes after all members. */
export interface ZipDirectory {
  readonly members: number
  readonly start: number
  readonly bytes: number
}

/** What comes after the directory. */
export function endOfDirectory(directory: ZipDirectory, zip64From: Zip64Limits): Buffer {
  const { members, start, bytes } = directory
  const wide = members >= zip64From.members || Math.max(start, bytes) >= zip64From.bytes
  const end = Buffer.concat([
    uint32(0x06054b50),
    Buffer.alloc(4), // disks
    uint16(wide ? MAX_16 : members),
    uint16(wide ? MAX_16 : members),
    uint32(wide ? MAX_32 : bytes),
    uint32(wide ? MAX_32 : start),
    Buffer.alloc(2), // comment
  ])
  return wide ? Buffer.concat([wideEnd(directory), end]) : end
}

function wideEnd({ members, start, bytes }: ZipDirectory): Buffer {
  const record = Buffer.concat([
    uint32(0x06064b50),
    uint64(44),
    uint16((3 << 8) | 45),
    uint16(45),
    Buffer.alloc(8), // disks
    uint64(members),
    uint64(members),
    uint64(bytes),
    uint64(start),
  ])
  const locator = Buffer.concat([uint32(0x07064b50), uint32(0), uint64(start + bytes), uint32(1)])
  return Buffer.concat([record, locator])
}

/** The zip64 extra field: header 0x0001, then 64-bit numbers. */
function wideField(numbers: readonly number[]): Buffer {
  return Buffer.concat([uint16(1), uint16(numbers.length * 8), ...numbers.map(uint64)])
}

/** Local time is the habit of zip, which knows no zone; UTC makes equal bytes everywhere. */
export function dosTime(modified: Date, utc: boolean): DosTime {
  const shiftMs = utc ? 0 : modified.getTimezoneOffset() * 60_000
  const wall = new Date(modified.getTime() - shiftMs)
  const year = wall.getUTCFullYear()
  if (year < 1980) return { date: (1 << 5) | 1, time: 0 }
  const date = (Math.min(year - 1980, 127) << 9) | ((wall.getUTCMonth() + 1) << 5) | wall.getUTCDate()
  const time = (wall.getUTCHours() << 11) | (wall.getUTCMinutes() << 5) | (wall.getUTCSeconds() >> 1)
  return { date, time }
}

const isAscii = (bytes: Buffer) => bytes.every((byte) => byte < 0x80)

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
