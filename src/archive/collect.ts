/**
 * Turns the options of a packing into members: which file goes where, and what the manifest says about it.
 */
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { invalidFile, misuse } from '../errors.js'
import { unreadableFile } from './errors.js'
import { handlerFile, runtimeOf } from './handler-file.js'
import { MANIFEST_MEMBER, MARINA_FOLDER, type Manifest } from './manifest.js'
import { marinaMembers } from './marina-members.js'
import { checkMemberName, nameSet } from './member-name.js'
import type { MemberSource, PackOptions } from './pack-options.js'

/**
 * A member whose source was found. `path` is where its bytes come from, or what they are called in a message.
 */
export type CollectedMember = { readonly name: string; readonly bytes: number } & (
  | { readonly data: Uint8Array; readonly mode?: undefined; readonly modified?: undefined }
  | { readonly data?: undefined; readonly path: string; readonly mode: number; readonly modified: Date }
)

/** All members in order of names, without `files.json` and the manifest, and the manifest's fields. */
export interface Collected {
  readonly members: readonly CollectedMember[]
  readonly manifest: Manifest
}

/**
 * Finds every file. Throws `misuse` for two files of one name or a bad name, `invalid-file` for what cannot
 * be read.
 */
export async function collectMembers(options: PackOptions): Promise<Collected> {
  const given = new Set((options.members ?? []).map(({ name }) => name))
  const runtime = options.runtime ?? runtimeOf(options.handler)
  const handler = await handlerFile(options.handler, { runtime, given, bundle: options.bundle ?? true })
  const single = (path: string | undefined): MemberSource[] =>
    path && !given.has(path) ? [{ name: basename(path), file: path }] : []
  const extra = await Promise.all((options.extraFiles ?? []).map(expand))
  const sources: MemberSource[] = [
    ...(options.members ?? []),
    ...single(options.modelFile),
    ...single(options.serializedFile),
    ...handler.members,
    ...extra.flat(),
    ...single(options.requirementsFile),
    ...single(options.configFile),
  ]
  sources.forEach(refuseReserved)
  const named = await oneForEachName(
    [...sources, ...marinaMembers(options.marina)],
    options.collisions ?? 'refuse',
  )
  const members = await Promise.all(named.map(found))
  return { members, manifest: manifestOf(options, { handler: handler.name, runtime }) }
}

function manifestOf(
  options: PackOptions,
  { handler, runtime }: { handler: string; runtime: Manifest['runtime'] },
): Manifest {
  const { serializedFile, modelFile, requirementsFile, configFile } = options
  return {
    runtime,
    model: {
      modelName: options.modelName,
      modelVersion: options.version,
      handler,
      ...(serializedFile && { serializedFile: basename(serializedFile) }),
      ...(modelFile && { modelFile: basename(modelFile) }),
      ...(requirementsFile && { requirementsFile: basename(requirementsFile) }),
      ...(configFile && { configFile: basename(configFile) }),
    },
  }
}

/**
 * A file by its base name; of a folder what it holds. Folders that start with a dot and caches are left out
 * (contract archive §3.6).
 */
async function expand(path: string): Promise<MemberSource[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw unreadableFile(path, error)
  })
  if (info.isFile()) return [{ name: basename(path), file: path }]
  if (info.isDirectory()) return walk(path, { prefix: '', above: [await realpath(path)] })
  throw misuse(`Invalid extra file given ${path}`)
}

async function walk(
  folder: string,
  { prefix, above }: { prefix: string; above: readonly string[] },
): Promise<MemberSource[]> {
  const members: MemberSource[] = []
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name)
    const info = await stat(path).catch((error: unknown) => {
      throw unreadableFile(path, error)
    })
    if (info.isFile()) members.push({ name: prefix + name, file: path })
    else if (info.isDirectory() && !/^(\.|__MACOSX$|__pycache__$)/.test(name)) {
      const real = await realpath(path)
      if (above.includes(real)) throw invalidFile(path, 'is a link to a folder above it')
      members.push(...(await walk(path, { prefix: `${prefix}${name}/`, above: [...above, real] })))
    }
  }
  return members
}

function refuseReserved(source: MemberSource): void {
  if (source.name === MANIFEST_MEMBER || source.name.startsWith(`${MARINA_FOLDER}/`))
    throw misuse(`${placeOf(source)}: the name ${source.name} is the archive's own; give the file another`)
}

/**
 * Sorted by name. The same file given twice is one member; two files of one name are refused, or the later
 * wins.
 */
async function oneForEachName(
  sources: readonly MemberSource[],
  collisions: 'refuse' | 'last-wins',
): Promise<MemberSource[]> {
  const byName = new Map<string, MemberSource>()
  for (const source of sources) {
    const earlier = byName.get(source.name)
    if (earlier && collisions === 'refuse' && !(await isSameFile(earlier, source)))
      throw misuse(
        `two files would become ${JSON.stringify(source.name)} in the archive: ` +
          `${placeOf(earlier)} and ${placeOf(source)}`,
      )
    byName.set(source.name, source)
  }
  const sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const names = nameSet()
  for (const source of sorted) {
    const checked = checkMemberName(source.name)
    const why = 'refused' in checked ? checked.refused : names.claim(source.name)
    if (why !== undefined) throw misuse(`${placeOf(source)}: member ${JSON.stringify(source.name)} ${why}`)
  }
  return sorted
}

async function isSameFile(a: MemberSource, b: MemberSource): Promise<boolean> {
  if (!('file' in a) || !('file' in b)) return false
  const [one, other] = await Promise.all([a, b].map(({ file }) => realpath(file).catch(() => resolve(file))))
  return one === other
}

const placeOf = (source: MemberSource) => ('file' in source ? source.file : 'bytes given by the caller')

async function found(source: MemberSource): Promise<CollectedMember> {
  const { name } = source
  if ('data' in source) {
    const data = Buffer.from(source.data)
    return { name, data, bytes: data.length }
  }
  try {
    const info = await stat(source.file)
    if (info.isDirectory()) throw invalidFile(source.file, 'is a folder, a file is needed')
    if (!info.isFile() && (await realpath(source.file)) !== '/dev/null')
      throw invalidFile(source.file, 'is not a regular file')
    return { name, path: source.file, bytes: info.size, mode: info.mode, modified: info.mtime }
  } catch (error) {
    throw error instanceof Error && error.name === 'MarinaError' ? error : unreadableFile(source.file, error)
  }
}
