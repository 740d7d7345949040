/**
 * `MAR-INF/marina/files.json`: the SHA-256 of each member, written when packing, compared by {@link verify}.
 */
import { createHash } from 'node:crypto'
import { invalidArchive, MarinaError, messageOf } from '../errors.js'
import { hashOf } from './file-hash.js'
import { encodeJson, isObject, own, parseJson } from './json.js'
import type { HeaderProblem } from './container.js'
import { defaultLimits } from './limits.js'
import { MARINA_FOLDER } from './manifest.js'
import { progressOver, type Progress } from './progress.js'
import type { OpenedArchive, OpenOptions } from './open-archive.js'
import type { Remains } from './tar-damage.js'

/** Where the hashes stand. */
export const FILES_MEMBER = `${MARINA_FOLDER}/files.json`
/** The two members that `files.json` does not list: itself, and a signature, which signs `files.json`. */
const unlisted: ReadonlySet<string> = new Set([FILES_MEMBER, `${MARINA_FOLDER}/signature.json`])

/** Size and hash of one member. */
export interface FileHash {
  readonly bytes: number
  readonly sha256: string
  /** Permission bits in the archive; absent in archives of before they were recorded. */
  readonly mode?: number
}

/** The text of `files.json`, names in code-unit order. */
export function encodeFileHashes(files: ReadonlyMap<string, FileHash>): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const listed = sorted.map(([name, { bytes, sha256, mode }]) => [
    name,
    { bytes, sha256, ...(mode !== undefined && { mode: mode.toString(8) }) },
  ])
  return encodeJson({ algorithm: 'sha256', files: Object.fromEntries(listed) as unknown })
}

/** A hundred thousand members have some 12 MB of hashes. */
const MAX_BYTES = 64 << 20

/** Reads `files.json`; throws `invalid-archive`. */
export function parseFileHashes(text: string): ReadonlyMap<string, FileHash> {
  const wrong = (why: string, cause?: unknown) => invalidArchive(`${FILES_MEMBER}: ${why}`, cause)
  let root: unknown
  try {
    root = parseJson(text, { maxBytes: MAX_BYTES })
  } catch (error) {
    throw wrong(messageOf(error), error)
  }
  const files = isObject(root) && own(root, 'algorithm') === 'sha256' ? own(root, 'files') : undefined
  if (!isObject(files)) throw wrong('must have "algorithm": "sha256" and an object "files"')
  return new Map(
    Object.entries(files).map(([name, value]) => {
      const bytes = isObject(value) ? own(value, 'bytes') : undefined
      const sha256 = isObject(value) ? own(value, 'sha256') : undefined
      if (typeof bytes !== 'number' || typeof sha256 !== 'string')
        throw wrong(`${JSON.stringify(name)} must have "bytes" and "sha256"`)
      const mode = isObject(value) ? own(value, 'mode') : undefined
      if (mode === undefined) return [name, { bytes, sha256 }]
      if (typeof mode !== 'string' || !/^[0-7]{1,4}$/.test(mode))
        throw wrong(`${JSON.stringify(name)} must have octal digits as its "mode"`)
      return [name, { bytes, sha256, mode: Number.parseInt(mode, 8) }]
    }),
  )
}

/** What {@link verify} found wrong with one member (or with the archive, when `member` is undefined). */
export interface Finding {
  readonly kind: 'no-hashes' | 'changed' | 'missing' | 'added' | 'unreadable' | 'header'
  readonly member: string | undefined
  /** A sentence that names the member and both hashes. */
  readonly message: string
}

/** Options of {@link verify}. */
export interface VerifyOptions extends OpenOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Compares each member with `files.json`, and what stands around the members with what Marina writes there; an empty
 * list means that every byte is as it was packed. An archive
 * without `files.json` gives one finding `no-hashes`. One that cannot be opened throws, as `openArchive`
 * does.
 */
export async function verify(source: string, options: VerifyOptions = {}): Promise<readonly Finding[]> {
  // Loaded here, since packing needs this file and should not wait for the reading of archives to be loaded.
  const { openWithContainer } = await import('./open-archive.js')
  const archive = await openWithContainer(source, options).catch(async (error: unknown) => {
    throw await withDamage(error, source, options)
  })
  try {
    if (!archive.members().some(({ name }) => name === FILES_MEMBER))
      return [
        {
          kind: 'no-hashes',
          member: undefined,
          message: `${source} holds no ${FILES_MEMBER}; nothing to compare with`,
        },
      ]
    const expected = parseFileHashes((await archive.read(FILES_MEMBER)).toString('utf8'))
    const { actual, findings } = await hashMembers(archive, options)
    const headers = await archive.container.headerProblems((name) =>
      unlisted.has(name) ? UNLISTED_MODE : expected.get(name)?.mode,
    )
    return [
      ...findings,
      ...compare(expected, actual),
      ...headers.map((problem) => headerFinding(source, problem)),
    ]
  } finally {
    await archive.close()
  }
}

/** The same error with what is damaged in it, where a tarball still tells. */
async function withDamage(error: unknown, source: string, options: VerifyOptions): Promise<unknown> {
  if (!(error instanceof MarinaError) || error.code !== 'invalid-archive') return error
  const { readRemains } = await import('./tar-damage.js')
  const limits = { ...defaultLimits, ...options.limits }
  const remains = await readRemains(source, { wanted: FILES_MEMBER, limits })
  const damage = remains && damageOf(remains)
  return damage === undefined ? error : invalidArchive(`${error.message} (${damage})`, error)
}

function damageOf({ whole, last, wanted }: Remains): string | undefined {
  const damaged = (member: string) => `the damage is in ${JSON.stringify(member)}`
  let expected: ReadonlyMap<string, FileHash>
  try {
    expected = parseFileHashes(wanted?.toString('utf8') ?? '')
  } catch {
    // Where the hashes themselves are damaged they name nothing else.
    const member = wanted === undefined ? last : FILES_MEMBER
    return member === undefined ? undefined : damaged(member)
  }
  const found = compare(expected, whole).filter(({ kind }) => kind !== 'added')
  const member = (found.find(({ kind }) => kind === 'changed') ?? found[0])?.member
  return member === undefined
    ? 'every member is as it was packed: the damage is between them'
    : damaged(member)
}

/** What `pack` gives to members that were no file before. */
const UNLISTED_MODE = 0o644

function headerFinding(source: string, { member, why }: HeaderProblem): Finding {
  const name = member === undefined ? source : JSON.stringify(member)
  return { kind: 'header', member, message: `${name}: ${why}` }
}

/** The hash of each member but the unlisted ones; undefined where a finding says that it cannot be read. */
export async function hashMembers(
  { container }: OpenedArchive,
  { signal, onProgress }: VerifyOptions,
): Promise<{ actual: Map<string, FileHash | undefined>; findings: Finding[] }> {
  const actual = new Map<string, FileHash | undefined>()
  const findings: Finding[] = []
  const progress = progressOver(container.members, onProgress)
  const visit = async ({ name }: { name: string }, body: AsyncIterable<Uint8Array>) => {
    if (!unlisted.has(name)) actual.set(name, undefined)
    try {
      const hash = await hashBody(progress(name, body))
      if (!unlisted.has(name)) actual.set(name, hash)
    } catch (error) {
      if (!(error instanceof MarinaError)) throw error
      findings.push({ kind: 'unreadable', member: name, message: error.message })
    }
  }
  await container.each(visit, { signal })
  return { actual, findings }
}

async function hashBody(body: AsyncIterable<Uint8Array>): Promise<FileHash> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of body) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

function compare(
  expected: ReadonlyMap<string, FileHash>,
  actual: ReadonlyMap<string, FileHash | undefined>,
): Finding[] {
  const findings: Finding[] = []
  for (const [name, want] of expected) {
    const have = actual.get(name)
    if (!actual.has(name))
      findings.push({ kind: 'missing', member: name, message: `${name} is listed but not there` })
    else if (have && have.sha256 !== want.sha256)
      findings.push({
        kind: 'changed',
        member: name,
        message:
          `${name} has SHA-256 ${have.sha256} (${have.bytes} bytes), ` +
          `was packed with ${want.sha256} (${want.bytes} bytes)`,
      })
  }
  for (const name of actual.keys())
    if (!expected.has(name))
      findings.push({ kind: 'added', member: name, message: `${name} is there but not listed` })
  return findings
}

/** The hash that stands for a whole unpacked folder: over its members' names and hashes. */
export function hashOfFiles(files: ReadonlyMap<string, FileHash>): string {
  return hashOf(encodeFileHashes(files))
}
