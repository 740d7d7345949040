/**
 * Reads the tarball form (`.tar.gz`). It has no directory: opening goes once through it, and so does each
 * later reading.
 */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { once } from 'node:events'
import { createGunzip } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import { MarinaError, messageOf } from '../errors.js'
import {
  readAll,
  type Container,
  type ContainerOptions,
  type HeaderProblem,
  type Member,
  type Visit,
} from './container.js'
import { badArchive } from './errors.js'
import { meterOf } from './limits.js'
import { MANIFEST_MEMBER } from './manifest.js'
import { checkMemberName, nameSet, type NameSet } from './member-name.js'

/** Members up to this size below `MAR-INF/` are kept from the first pass: manifest, schema, hashes. */
const KEPT_BYTES = 1 << 20

/**
 * Opens a gzip'd tar and reads it once to the end. Of each name the first step is dropped, as TorchServe does
 * (contract archive §1.1), unless the manifest stands at the root. Throws `invalid-archive`.
 */
export async function openTar(file: string, options: ContainerOptions): Promise<Container> {
  const raw: Member[] = []
  const kept = new Map<string, Buffer>()
  await readTar(file, options, async (member, body) => {
    raw.push(member)
    const keep = /(^|\/)MAR-INF\//.test(member.name) && member.bytes <= KEPT_BYTES
    if (keep) kept.set(member.name, await readAll(body))
    else for await (const _ of body);
  })
  const strip = raw.some((member) => member.name === MANIFEST_MEMBER) ? asItIs : withoutFirstStep
  return tarContainer({ file, options, strip, kept, raw })
}

interface OpenedTar {
  readonly file: string
  readonly options: ContainerOptions
  readonly strip: (name: string) => string
  readonly kept: ReadonlyMap<string, Buffer>
  /** As named in the file. */
  readonly raw: readonly Member[]
}

function tarContainer({ file, options, strip, kept, raw }: OpenedTar): Container {
  const names = nameSet()
  const checked = (name: string) => nameIn(file, strip(name))
  const members = raw.map((member) => {
    const name = checked(member.name)
    claim(file, { names, name })
    return { ...member, name }
  })
  const keptByName = new Map([...kept].map(([name, bytes]) => [checked(name), bytes]))
  const each = (visit: Visit, { signal }: { signal?: AbortSignal | undefined } = {}) =>
    readTar(file, { ...options, signal }, (member, body) =>
      visit({ ...member, name: checked(member.name) }, body),
    )
  return {
    kind: 'tar',
    members,
    each,
    access: () => undefined,
    headerProblems: () => gzipProblems(file),
    async read(wanted) {
      const kept = keptByName.get(wanted.name)
      if (kept) return kept
      const found: Buffer[] = []
      await each(async (member, body) => {
        if (member.name === wanted.name) found.push(await readAll(body))
        else for await (const _ of body);
      })
      const [bytes] = found
      if (!bytes) throw badArchive(file, 'is not in the archive', { member: wanted.name })
      return bytes
    },
    close: () => Promise.resolve(),
  }
}

/** All but this is under gzip's own CRC. Flags, time, level and system as zlib writes them; RFC 1952, 2.3. */
async function gzipProblems(file: string): Promise<readonly HeaderProblem[]> {
  const head = Buffer.alloc(GZIP_HEADER.length)
  const handle = await open(file, 'r')
  try {
    await handle.read(head, 0, head.length, 0)
  } finally {
    await handle.close()
  }
  const system = head[GZIP_HEADER.length - 1] ?? 0
  const isWhole = head.subarray(0, -1).equals(GZIP_HEADER.subarray(0, -1)) && GZIP_SYSTEMS.includes(system)
  return isWhole ? [] : [{ member: undefined, why: 'its gzip header is not as it was packed' }]
}

const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
/** Unix, and what zlib writes on macOS. */
const GZIP_SYSTEMS: readonly number[] = [3, 19]

const asItIs = (name: string) => name
/**
 * A name without a step keeps it. The check for `..` comes after, so that `a/../../x` is seen as `../../x`.
 */
const withoutFirstStep = (name: string) => name.slice(name.indexOf('/') + 1)

function nameIn(file: string, name: string): string {
  const checked = checkMemberName(name)
  if ('refused' in checked) throw badArchive(file, checked.refused, { member: name })
  return checked.name
}

function claim(file: string, { names, name }: { names: NameSet; name: string }): void {
  const why = names.claim(name)
  if (why !== undefined) throw badArchive(file, why, { member: name })
}

/** One pass: gunzip, count, parse; files are named as in the tar. */
async function readTar(file: string, { limits, signal }: ContainerOptions, visit: Visit): Promise<void> {
  const meter = meterOf(file, (await stat(file)).size, limits)
  const parser = new Parser({ strict: true })
  let failure: { error: unknown } | undefined
  let visits: Promise<void> = Promise.resolve()
  const fail = (error: unknown) => void (failure ??= { error })
  const ended = new Promise((resolve) => parser.on('end', resolve))
  parser.on('error', fail)
  parser.on('ignoredEntry', (entry: ReadEntry) => fail(refusedKind(file, entry)))
  parser.on('entry', (entry: ReadEntry) => {
    visits = visits
      .then(() => visitEntry(file, { entry, visit, meter, failed: failure !== undefined }))
      .catch((error: unknown) => {
        fail(error)
        entry.resume()
      })
  })
  const stopped = () => failure !== undefined
  try {
    await pump(file, { parser, signal, stopped, count: (bytes) => meter.countBytes(bytes) })
    if (!stopped()) {
      parser.end()
      await ended
    }
    await visits
  } catch (error) {
    fail(error)
  }
  if (!failure) return
  const { error } = failure
  if (error instanceof MarinaError || signal?.aborted) throw error
  throw badArchive(file, `cannot be read as gzip'd tar: ${messageOf(error)}`, { cause: error })
}

interface Pump {
  readonly parser: Parser
  readonly signal: AbortSignal | undefined
  readonly stopped: () => boolean
  readonly count: (bytes: number) => void
}

async function pump(file: string, { parser, signal, stopped, count }: Pump): Promise<void> {
  const raw = createReadStream(file)
  const unzipped = createGunzip()
  raw.on('error', (error) => unzipped.destroy(error))
  raw.pipe(unzipped)
  try {
    for await (const chunk of unzipped) {
      signal?.throwIfAborted()
      if (stopped()) return
      const bytes = chunk as Buffer
      count(bytes.length)
      if (!parser.write(bytes)) await once(parser, 'drain')
    }
  } finally {
    raw.destroy()
    unzipped.destroy()
  }
}

interface EntryVisit {
  readonly entry: ReadEntry
  readonly visit: Visit
  readonly meter: { countMembers(members: number): void }
  readonly failed: boolean
}

async function visitEntry(file: string, { entry, visit, meter, failed }: EntryVisit): Promise<void> {
  meter.countMembers(1)
  if (failed || entry.type === 'Directory' || entry.type === 'GNUDumpDir') {
    entry.resume()
    return
  }
  if (entry.type !== 'File' && entry.type !== 'OldFile' && entry.type !== 'ContiguousFile')
    throw refusedKind(file, entry)
  // Checked before the first step is dropped too: `/etc/x` and `../x` would otherwise become harmless in
  // silence.
  nameIn(file, entry.path)
  const executable = ((entry.mode ?? 0) & 0o100) !== 0
  await visit({ name: entry.path, bytes: entry.size, executable }, entry)
}

function refusedKind(file: string, entry: ReadEntry): MarinaError {
  const why =
    entry.type === 'SymbolicLink'
      ? 'is a symbolic link'
      : entry.type === 'Link'
        ? 'is a hard link'
        : `is of the kind ${entry.type}, neither file nor folder`
  return badArchive(file, why, { member: entry.path })
}
