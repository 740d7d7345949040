/** Finds and reads the file of settings, and the names in a model store: the only part of `config/` that reads a disk. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, misuse } from '../errors.js'
import { parseProperties, withVariables, type PropertiesFile } from './properties.js'

/** What decides which file is read. */
export interface FileSearch {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Path of the command line. */
  readonly flag?: string | undefined
  /** The newest snapshot counts before `config.properties`. */
  readonly snapshots: boolean
  /** Folder that relative paths start from; default: the process's. */
  readonly cwd?: string
}

/**
 * The file that counts, its variables replaced (contract server-config §3.1): that of `TS_CONFIG_FILE`, of the flag, the
 * newest snapshot, `config.properties` in the current folder; undefined when there is none.
 * @throws misuse when a file that was named cannot be read
 */
export function readSettingsFile(search: FileSearch): PropertiesFile | undefined {
  const { environment, flag, snapshots, cwd = process.cwd() } = search
  const path =
    (environment['TS_CONFIG_FILE'] || flag) ??
    (snapshots ? newestSnapshot(snapshotFolder(environment), cwd) : undefined) ??
    (existsSync(resolve(cwd, 'config.properties')) ? 'config.properties' : undefined)
  if (path === undefined) return undefined
  return withVariables(parseProperties(readBytes(path, cwd), path), environment)
}

function readBytes(path: string, cwd: string): Uint8Array {
  try {
    return readFileSync(resolve(cwd, path))
  } catch (cause) {
    throw misuse(`The file of settings cannot be read: ${messageOf(cause)}`)
  }
}

/** Where snapshots are written. */
export const snapshotFolder = (environment: FileSearch['environment']): string =>
  join(environment['LOG_LOCATION'] ?? 'logs', 'config')

/** By the digits before the first `-` of its name, not by the time of the file; other files in the folder do not count. */
function newestSnapshot(folder: string, cwd: string): string | undefined {
  const dated = namesIn(resolve(cwd, folder)).flatMap((name) => {
    const digits = /^(\d{1,17})-/.exec(name)?.[1]
    return digits === undefined ? [] : [{ name, time: BigInt(digits) }]
  })
  const newest = dated.reduce<(typeof dated)[number] | undefined>(
    (best, one) => (best === undefined || one.time > best.time ? one : best),
    undefined,
  )
  return newest && join(folder, newest.name)
}

/** The archives and folders of a model store that the word `all` stands for, in the order of their names. */
export function listModelStore(folder: string): readonly string[] {
  const isModel = (name: string) =>
    !name.startsWith('.') &&
    (/\.(mar|model|tar\.gz)$/.test(name) ||
      statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() === true)
  return namesIn(folder).filter(isModel).sort()
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // not there yet, or not for us to read: nothing to find in it
  }
}
