/**
 * Reads the zip form (`.mar`). yauzl reads the directory at the end and inflates; what a hostile zip needs
 * more is checked here.
 */
import { open as openFile, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import * as yauzl from 'yauzl'
import { MarinaError, messageOf } from '../errors.js'
import type { RandomAccess } from '../recognise/index.js'
import { readAll, type Container, type ContainerOptions, type Member, type Visit } from './container.js'
import { badArchive } from './errors.js'
import { checkMemberName, nameSet } from './member-name.js'
import { meterOf } from './limits.js'
import { zipHeaderProblems } from './zip-headers.js'
import { checkLayout, rawName } from './zip-layout.js'

/** A member, its entry in the directory, and where its bytes begin in the file. */
interface ZipMember extends Member {
  readonly entry: yauzl.Entry
  readonly start: number
}

/** Stored members are read in pieces of this size: yauzl's 64 KiB take twice the time. */
const PIECE_BYTES = 1 << 20

/**
 * Opens a zip file. Everything but the members' bytes is checked here: names, kinds (only files and folders),
 * methods (stored, deflated), doubles, overlaps, limits; the bytes when they are read. Throws
 * `invalid-archive`.
 */
export async function openZip(file: string, options: ContainerOptions): Promise<Container> {
  const handle = await openFile(file, 'r')
  try {
    const zip = await openDirectory(file, handle)
    const directoryStart = Number(zip.readEntryCursor)
    const meter = meterOf(file, (await handle.stat()).size, options.limits)
    meter.countMembers(zip.entryCount)
    const entries = await readEntries(file, zip, options.signal)
    const starts = await checkLayout({ file, handle, entries, directoryStart })
    const members = membersOf(file, { entries, starts })
    members.forEach(({ bytes, name }) => meter.countBytes(bytes, name))
    return zipContainer({ file, handle, zip, members })
  } catch (error) {
    await handle.close()
    throw error
  }
}

function zipContainer(opened: {
  file: string
  handle: FileHandle
  zip: yauzl.ZipFile
  members: readonly ZipMember[]
}): Container {
  const { file, handle, zip, members } = opened
  const byName = new Map(members.map((member) => [member.name, member]))
  const body = (member: ZipMember, signal?: AbortSignal) =>
    checkedBody(file, { body: () => bodyOf({ handle, zip, member }), member, signal })
  return {
    kind: 'zip',
    members,
    async read(member) {
      const found = byName.get(member.name)
      if (!found) throw badArchive(file, 'is not in the archive', { member: member.name })
      return readAll(body(found))
    },
    access(member) {
      const found = byName.get(member.name)
      return found?.entry.compressionMethod === 0 ? storedAccess(handle, found) : undefined
    },
    headerProblems: (modeOf) =>
      zipHeaderProblems({ file, handle, entries: members.map(({ entry }) => entry) }, modeOf),
    async each(visit: Visit, { signal } = {}) {
      for (const member of members) await visit(member, body(member, signal))
    },
    close: () => handle.close(),
  }
}

function storedAccess(handle: FileHandle, { start, bytes }: ZipMember): RandomAccess {
  return {
    bytes,
    async read(at, length) {
      const wanted = Math.max(0, Math.min(length, bytes - at))
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, start + at)
      return buffer.subarray(0, bytesRead)
    },
  }
}

function openDirectory(file: string, handle: FileHandle): Promise<yauzl.ZipFile> {
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false }
  return new Promise((resolve, reject) => {
    yauzl.fromFd(handle.fd, options, (error, zip) => {
      if (error) reject(badArchive(file, `cannot be read as zip: ${error.message}`, { cause: error }))
      else resolve(zip)
    })
  })
}

function readEntries(file: string, zip: yauzl.ZipFile, signal?: AbortSignal): Promise<yauzl.Entry[]> {
  const entries: yauzl.Entry[] = []
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.push(entry)
      if (signal?.aborted) reject(signal.reason as Error)
      else zip.readEntry()
    })
    zip.on('end', () => resolve(entries))
    zip.on('error', (error: Error) => {
      const last = entries.at(-1)
      const place = last ? `after ${JSON.stringify(rawName(last).toString('utf8'))}` : 'at its first member'
      reject(
        badArchive(file, `cannot be read as zip: its directory is damaged ${place}: ${error.message}`, {
          cause: error,
        }),
      )
    })
    zip.readEntry()
  })
}

function membersOf(
  file: string,
  { entries, starts }: { entries: readonly yauzl.Entry[]; starts: ReadonlyMap<yauzl.Entry, number> },
): ZipMember[] {
  const names = nameSet()
  return entries.flatMap((entry) => {
    const raw = nameOf(file, entry)
    const refuse = (why: string) => badArchive(file, why, { member: raw })
    const checked = checkMemberName(raw)
    if ('refused' in checked) throw refuse(checked.refused)
    const mode = entry.externalFileAttributes >>> 16
    if (raw.endsWith('/')) return []
    const why = kindRefusal(mode) ?? methodRefusal(entry) ?? names.claim(checked.name)
    if (why !== undefined) throw refuse(why)
    const start = starts.get(entry) ?? 0
    const executable = (mode & 0o100) !== 0
    return [{ name: checked.name, bytes: entry.uncompressedSize, executable, entry, start }]
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Names are read as UTF-8 whatever the flag says, as Java's reader does. */
function nameOf(file: string, entry: yauzl.Entry): string {
  const raw = rawName(entry)
  try {
    return utf8.decode(raw)
  } catch (error) {
    throw badArchive(file, 'has a name that is not UTF-8', { member: raw.toString('latin1'), cause: error })
  }
}

/** The file type in the upper half of a Unix mode; 0 where the archiver recorded none. */
function kindRefusal(mode: number): string | undefined {
  const type = mode & 0o170000
  if (type === 0 || type === 0o100000) return undefined
  return type === 0o120000 ? 'is a symbolic link' : 'is neither a file nor a folder'
}

function methodRefusal(entry: yauzl.Entry): string | undefined {
  if (entry.isEncrypted()) return 'is encrypted'
  const { compressionMethod: method } = entry
  return method === 0 || method === 8
    ? undefined
    : `is compressed by method ${method}; only stored (0) and deflated (8) are read`
}

interface UncheckedBody {
  readonly body: () => AsyncIterable<Uint8Array>
  readonly member: ZipMember
  readonly signal: AbortSignal | undefined
}

async function* checkedBody(
  file: string,
  { body, member, signal }: UncheckedBody,
): AsyncGenerator<Uint8Array> {
  let sum = 0
  try {
    for await (const chunk of body()) {
      signal?.throwIfAborted()
      sum = crc32(chunk, sum)
      yield chunk
    }
  } catch (error) {
    if (signal?.aborted || error instanceof MarinaError) throw error
    throw badArchive(file, `cannot be unpacked: ${messageOf(error)}`, { member: member.name, cause: error })
  }
  if (sum !== member.entry.crc32)
    throw badArchive(file, 'is damaged: its CRC does not fit its bytes', { member: member.name })
}

interface BodySource {
  readonly handle: FileHandle
  readonly zip: yauzl.ZipFile
  readonly member: ZipMember
}

async function* bodyOf({ handle, zip, member }: BodySource): AsyncGenerator<Uint8Array> {
  if (member.entry.compressionMethod === 0) {
    for (let done = 0; done < member.bytes;) {
      const wanted = Math.min(PIECE_BYTES, member.bytes - done)
      const { buffer, bytesRead } = await handle.read(
        Buffer.allocUnsafe(wanted),
        0,
        wanted,
        member.start + done,
      )
      if (bytesRead === 0) throw new Error('the file ends in the middle of it')
      done += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } else for await (const chunk of await openBody(zip, member.entry)) yield chunk as Uint8Array
}

function openBody(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)))
  })
}
