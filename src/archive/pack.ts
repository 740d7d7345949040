/** Packs a model into an archive that TorchServe and Marina read. */
import { mkdir, open, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { env } from 'node:process'
import { misuse } from '../errors.js'
import { dataBody, fileBody, type Body } from './body.js'
import { collectMembers, type Collected, type CollectedMember } from './collect.js'
import { ARCHIVER_VERSION, createdOnText, encodeManifest, sourceDateOf } from './encode-manifest.js'
import { lazyDigestThread, type LazyDigestThread } from './digest-client.js'
import { systemCode } from './errors.js'
import { encodeFileHashes, FILES_MEMBER, hashOfFiles, type FileHash } from './file-hashes.js'
import { hashFile, hashOf } from './file-hash.js'
import { folderWriter } from './folder-writer.js'
import { MANIFEST_MEMBER } from './manifest.js'
import type { MemberWriter } from './member-writer.js'
import type { ArchiveFormat, Packed, PackOptions } from './pack-options.js'
import { progressOver } from './progress.js'
import { alreadyExists, exists, writeInPlace } from './replace-file.js'
import { isStored } from './stored-members.js'
import { zipWriter } from './zip-writer.js'

const suffixes: Record<ArchiveFormat, string> = {
  default: '.mar',
  'zip-store': '.mar',
  tgz: '.tar.gz',
  'no-archive': '',
}

/** Name of the file or folder that an archive of that form becomes. */
export const outputName = (name: string, format: ArchiveFormat): string => name + suffixes[format]

/** Names that may become a file's and a model's name: the original's rule. */
export function isModelName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_\-.]*$/.test(name)
}

/**
 * Packs and writes one archive; an abort or a failure leaves nothing behind. Members stand in order of their
 * names, then `MAR-INF/marina/files.json`, then the manifest. With a fixed `sourceDate` the same inputs give
 * the same bytes (for deflated members: on the same Node version). Throws `misuse` (bad name, existing
 * output, two files of one name), `invalid-file` (an input that cannot be read), `invalid-archive` (a schema
 * that does not hold), or the signal's reason.
 */
export async function pack(options: PackOptions): Promise<Packed> {
  const { modelName, archiveFormat = 'default', force = false, keepOthers = false } = options
  const sourceDate = options.sourceDate ?? sourceDateOf(env)
  const createdOn = createdOnText(sourceDate ?? new Date(), sourceDate !== undefined)
  if (!isModelName(modelName) || !isModelName(options.fileName ?? modelName))
    throw misuse(
      'Model name contains special characters.\nThe allowed regular expression filter ' +
        'for model name is: ^[A-Za-z0-9][A-Za-z0-9_\\-.]*$',
    )
  const folder = resolve(options.exportPath || '.')
  await makeExportPath(folder)
  const file = join(folder, outputName(options.fileName ?? modelName, archiveFormat))
  if (!force && (await exists(file))) throw alreadyExists(file)
  const collected = await collectMembers(options)
  const thread = lazyDigestThread()
  const work: Work = { options, archiveFormat, collected, createdOn, sourceDate, thread }
  try {
    const fill = (beside: string) => write(beside, { ...work, file })
    return await writeInPlace(file, { force, keepOthers, fill })
  } finally {
    await thread.stop()
  }
}

interface Work {
  readonly options: PackOptions
  readonly archiveFormat: ArchiveFormat
  readonly collected: Collected
  readonly createdOn: string
  readonly sourceDate: Date | undefined
  readonly thread: LazyDigestThread
}

async function makeExportPath(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST' && systemCode(error) !== 'ENOTDIR') throw error
    throw misuse(`Given export-path ${folder} is not a directory. Point to a valid export-path directory.`)
  }
}

async function write(beside: string, work: Work & { file: string }): Promise<Packed> {
  if (work.archiveFormat === 'no-archive') {
    await mkdir(beside)
    const files = await writeMembers(folderWriter(beside), work)
    const bytes = [...files.values()].reduce((sum, one) => sum + one.bytes, 0)
    return { file: work.file, bytes, sha256: hashOfFiles(files) }
  }
  const output = await open(beside, 'wx')
  try {
    const writer =
      work.archiveFormat === 'tgz'
        ? // The tar package takes 30 ms to load, which most packings would wait for in vain.
          (await import('./tar-writer.js')).tarWriter(output, { topFolder: work.options.modelName })
        : zipWriter(output, { utc: work.sourceDate !== undefined })
    await writeMembers(writer, work)
    // The thread reads what the system still holds in memory, while the disk catches up.
    const [sha256] = await Promise.all([hashFile(beside, work.options), output.sync()])
    return { file: work.file, bytes: (await stat(beside)).size, sha256 }
  } finally {
    await output.close()
  }
}

/** All members in their order; answers with the hash of each. */
async function writeMembers(writer: MemberWriter, work: Work): Promise<Map<string, FileHash>> {
  try {
    const files = await addMembers(writer, work)
    await writer.finish()
    return files
  } catch (error) {
    writer.discard()
    throw error
  }
}

async function addMembers(writer: MemberWriter, work: Work): Promise<Map<string, FileHash>> {
  const { options, collected, createdOn, sourceDate } = work
  const files = new Map<string, FileHash>()
  const progress = progressOver(collected.members, options.onProgress)
  const add = async (member: CollectedMember) => {
    options.signal?.throwIfAborted()
    const modified = sourceDate ?? member.modified ?? new Date()
    const mode =
      member.mode === undefined ? DATA_MODE : sourceDate ? plainMode(member.mode) : member.mode & 0o777
    const stored = isStored(member.name, options)
    const source = sourceOf(member, work)
    const body: Body = {
      [Symbol.asyncIterator]: () => progress(member.name, source)[Symbol.asyncIterator](),
      digest: () => source.digest(),
    }
    await writer.add({ name: member.name, bytes: member.bytes, mode, modified, stored }, body)
    const { bytes, sha256 } = body.digest()
    files.set(member.name, { bytes, sha256, mode })
  }
  for (const member of collected.members) await add(member)
  const manifest = Buffer.from(
    encodeManifest({ ...collected.manifest, createdOn, archiverVersion: ARCHIVER_VERSION }),
  )
  if (options.marina) {
    const listed = new Map(files).set(MANIFEST_MEMBER, {
      ...{ bytes: manifest.length, sha256: hashOf(manifest), mode: DATA_MODE },
    })
    await add(dataMember(FILES_MEMBER, Buffer.from(encodeFileHashes(listed))))
  }
  await add(dataMember(MANIFEST_MEMBER, manifest))
  return files
}

/** Permissions of members that were no file before. */
const DATA_MODE = 0o644

const plainMode = (mode: number) => ((mode & 0o100) !== 0 ? 0o755 : 0o644)
const dataMember = (name: string, data: Buffer): CollectedMember => ({ name, data, bytes: data.length })

const sourceOf = (member: CollectedMember, { options: { signal }, thread }: Work): Body =>
  member.data ? dataBody(member.data) : fileBody(member.path, { bytes: member.bytes, thread, signal })
