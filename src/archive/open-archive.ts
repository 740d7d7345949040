/** Opens an archive of any form for reading: what `inspect`, the server and the worker know of a model. */
import { open as openFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { MarinaError } from '../errors.js'
import type { Container, ContainerOptions, Member } from './container.js'
import { badArchive, unreadableFile } from './errors.js'
import { extract } from './extract.js'
import { modelFolder, openFolder } from './folder-reader.js'
import type { JsonObject } from './json.js'
import { defaultLimits, type Limits } from './limits.js'
import {
  MANIFEST_MEMBER,
  MARINA_FOLDER,
  type Examples,
  type Manifest,
  type ModelSchema,
  type Provenance,
} from './manifest.js'
import { emptyManifest, parseManifest, parseRawManifest } from './parse-manifest.js'
import { parseExamples, parseProvenance, parseSchema } from './parse-schema.js'
import type { Progress } from './progress.js'

/** An opened archive. The caller closes it. */
export interface Archive {
  readonly kind: 'zip' | 'tar' | 'folder'
  /** Absolute path; for a folder that holds one folder only, the inner one. */
  readonly source: string
  /** An empty manifest with runtime `python` when the archive has none. */
  readonly manifest: Manifest
  /** The manifest as it stands in the file, for handlers; undefined when there is none. */
  readonly rawManifest: JsonObject | undefined
  readonly schema: ModelSchema | undefined
  readonly examples: Examples | undefined
  readonly provenance: Provenance | undefined
  /** All files, the manifest and Marina's own members included. */
  members(): readonly Member[]
  /** The bytes of one member; refuses more than `maxBytes` (default 256 MiB). Throws `invalid-archive`. */
  read(name: string, options?: { maxBytes?: number }): Promise<Buffer>
  /**
   * Unpacks into a folder that does not exist yet; leaves nothing behind when it fails. Throws `misuse`,
   * `invalid-archive`.
   */
  extractTo(folder: string, options?: ReadingOptions): Promise<void>
  close(): Promise<void>
}

/** Options of what reads all members. */
export interface ReadingOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Options of {@link openArchive}. */
export interface OpenOptions {
  readonly limits?: Partial<Limits> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * An {@link Archive} together with the container under it, for the parts of this folder that read every
 * member.
 */
export interface OpenedArchive extends Archive {
  readonly container: Container
}

/** Metadata larger than this is not metadata. */
const MAX_METADATA_BYTES = 4 << 20
const MAX_READ_BYTES = 256 << 20

/**
 * Opens a `.mar`, a `.tar.gz` or a folder; a file's form is told by its first bytes, not by its name. Throws
 * `invalid-file` when there is no such file, `invalid-archive` when it is damaged or hostile, saying which
 * member and why.
 */
export async function openArchive(source: string, options: OpenOptions = {}): Promise<Archive> {
  return openWithContainer(source, options)
}

/** As {@link openArchive}, with the container. */
export async function openWithContainer(source: string, options: OpenOptions = {}): Promise<OpenedArchive> {
  const { path, container } = await openContainer(resolve(source), {
    limits: { ...defaultLimits, ...options.limits },
    signal: options.signal,
  })
  try {
    return await describe(path, container)
  } catch (error) {
    await container.close()
    throw error
  }
}

async function openContainer(
  path: string,
  options: ContainerOptions,
): Promise<{ path: string; container: Container }> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) {
      const folder = await modelFolder(path)
      return { path: folder, container: await openFolder(folder, options) }
    }
    return { path, container: await openFileOf(path, options) }
  } catch (error) {
    throw error instanceof MarinaError || options.signal?.aborted ? error : unreadableFile(path, error)
  }
}

async function openFileOf(path: string, options: ContainerOptions): Promise<Container> {
  const [first, second] = await firstBytes(path)
  // Each reader's library takes tens of milliseconds to load.
  if (first === 0x50 && second === 0x4b) return (await import('./zip-reader.js')).openZip(path, options)
  if (first === 0x1f && second === 0x8b) return (await import('./tar-reader.js')).openTar(path, options)
  throw badArchive(path, "is neither a zip file (.mar) nor a gzip'd tar (.tar.gz)")
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await openFile(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function describe(source: string, container: Container): Promise<OpenedArchive> {
  const byName = new Map(container.members.map((member) => [member.name, member]))
  const read = (name: string, { maxBytes = MAX_READ_BYTES } = {}) => {
    const member = byName.get(name)
    if (!member) throw badArchive(source, 'is not in the archive', { member: name })
    if (member.bytes > maxBytes)
      throw badArchive(
        source,
        `has ${member.bytes} bytes, more than the ${maxBytes} that may be read at once`,
        {
          member: name,
        },
      )
    return container.read(member)
  }
  const metadata = async <T>(name: string, parse: (text: string) => T): Promise<T | undefined> => {
    if (!byName.has(name)) return undefined
    return parse((await read(name, { maxBytes: MAX_METADATA_BYTES })).toString('utf8'))
  }
  return {
    kind: container.kind,
    source,
    container,
    manifest: (await metadata(MANIFEST_MEMBER, parseManifest)) ?? emptyManifest,
    rawManifest: await metadata(MANIFEST_MEMBER, parseRawManifest),
    schema: await metadata(`${MARINA_FOLDER}/schema.json`, parseSchema),
    examples: await metadata(`${MARINA_FOLDER}/examples.json`, parseExamples),
    provenance: await metadata(`${MARINA_FOLDER}/provenance.json`, parseProvenance),
    members: () => container.members,
    read: async (name, options) => read(name, options),
    extractTo: (folder, options) => extract(container, folder, options),
    close: () => container.close(),
  }
}
