/**
 * A generation of a project folder, without an archive: what `marina archive` would pack is placed into a folder of its
 * own, so that a worker which starts later, after a crash, still gets the code of its generation and not a newer one.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { collectMembers, type Collected, type CollectedMember } from './collect.js'
import { createdOnText, encodeManifest } from './encode-manifest.js'
import { modelFolder } from './folder-reader.js'
import {
  factsOf,
  openGeneration,
  placeFile,
  reserveGeneration,
  type Generation,
  type GenerationOptions,
} from './generation.js'
import { isObject, own } from './json.js'
import { MANIFEST_MEMBER } from './manifest.js'
import { readProject } from './project.js'
import { exists } from './replace-file.js'

/** A generation, and the user's own files that its handler was bundled from. */
export interface ProjectGeneration extends Generation {
  /** Absolute paths, without those of installed packages; empty for a handler that is not bundled. */
  readonly sources: readonly string[]
}

/** Whether `path` is a folder that is no unpacked archive: to be read by the conventions of a project. */
export async function isProject(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) return false
  return !(await exists(join(await modelFolder(path), MANIFEST_MEMBER)))
}

/** {@link openProject} of a project folder, `openGeneration` of everything else. */
export async function openSource(source: string, options: GenerationOptions): Promise<Generation> {
  return (await isProject(source)) ? openProject(source, options) : openGeneration(source, options)
}

/**
 * Makes a generation of a project folder. Throws as `readProject` and `bundleHandler`: `invalid-file` with
 * `file:line:column` for a handler that cannot be bundled. Nothing is left behind then.
 */
export async function openProject(folder: string, options: GenerationOptions): Promise<ProjectGeneration> {
  const source = resolve(folder)
  const collected = await collectMembers(await readProject(source))
  const dir = options.reservedDir ?? (await reserveGeneration(options))
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    const sources = await place(dir, { collected, root: source })
    const facts = await factsOf(dir, options)
    return { ...facts, dir, source, sha256: undefined, sources, close: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Writes all members; answers with the sources that the handler's map names. */
async function place(
  dir: string,
  { collected, root }: { collected: Collected; root: string },
): Promise<readonly string[]> {
  const { members, manifest } = collected
  const mapName = `${manifest.model.handler ?? ''}.map`
  let sources: readonly string[] = []
  for (const member of members) {
    const map = member.name === mapName && member.data ? withRoot(member.data, root) : undefined
    if (map) sources = map.sources
    await placeMember(join(dir, member.name), map ? { ...map, name: mapName } : member)
  }
  await mkdir(join(dir, dirname(MANIFEST_MEMBER)), { recursive: true, mode: 0o700 })
  await writeFile(
    join(dir, MANIFEST_MEMBER),
    encodeManifest({ ...manifest, createdOn: createdOnText(new Date()) }),
  )
  return sources
}

async function placeMember(to: string, member: CollectedMember): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  if (member.data) return writeFile(to, member.data)
  await placeFile(to, { from: member.path, bytes: member.bytes })
}

/** The map with the project as its root: a debugger and a stack then name the files that the user edits. */
function withRoot(
  bytes: Uint8Array,
  root: string,
): { data: Uint8Array; bytes: number; sources: readonly string[] } {
  const map: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
  if (!isObject(map)) return { data: bytes, bytes: bytes.length, sources: [] }
  const sourceRoot = `${pathToFileURL(root).href}/`
  const named = own(map, 'sources')
  const sources = (Array.isArray(named) ? named : [])
    .filter((name): name is string => typeof name === 'string')
    .map((name) => fileURLToPath(new URL(name, sourceRoot)))
    .filter((path) => !path.includes('/node_modules/'))
  const data = Buffer.from(JSON.stringify({ ...map, sourceRoot }))
  return { data, bytes: data.length, sources }
}
