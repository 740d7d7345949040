/**
 * Which files go into the archive under which names: what the original finds out by copying everything into a folder
 * of the temporary folder, in the order and with the errors of those copies, but without the copies and the folder.
 */
import { closeSync, fstatSync, openSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs'
import { basename, join as joinPath, resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { systemCode } from '../../archive/errors.js'
import { PythonError, pythonRepr, systemError } from './python-errors.js'
import { join } from './python-glob.js'

/** The staged files: name in the archive → path. */
export type Staged = ReadonlyMap<string, string>

/** How files are staged. */
export interface StagingOptions {
  readonly modelName: string
  /** Two different files of one name are an error that names both, instead of the later one winning. */
  readonly refuseCollisions: boolean
  /** A folder goes in under its own name, merged with what has that name already. */
  readonly keepTree: boolean
}

/** Fills a {@link Staged}; each call throws a {@link PythonError} where the original's copy fails. */
export interface Staging {
  addFile(path: string): void
  /** A file, or a folder, whose contents go to the top. */
  addExtra(path: string): void
  readonly staged: Staged
}

/** An empty staging. */
export function createStaging(options: StagingOptions): Staging {
  const place: Place = { ...options, files: new Map(), folders: new Set() }
  return {
    addFile: (path) => copyFile(place, { path, name: basename(path) }),
    addExtra: (path) => addExtra(place, path),
    staged: place.files,
  }
}

interface Place extends StagingOptions {
  readonly files: Map<string, string>
  readonly folders: Set<string>
}

interface Copy {
  readonly path: string
  readonly name: string
}

/** What the original would call it in a message. */
const stagedPath = ({ modelName }: Place, name: string) => joinPath(tmpdir(), modelName, name)

function copyFile(place: Place, { path, name }: Copy): void {
  checkReadable(path)
  if (place.folders.has(name)) throw systemError('EISDIR', stagedPath(place, name))
  const earlier = place.files.get(name)
  if (place.refuseCollisions && earlier !== undefined && realpathSync(earlier) !== realpathSync(path))
    throw new PythonError(
      'FileExistsError',
      `Two files would become ${pythonRepr(name)} in the archive: ${earlier} and ${path}`,
    )
  place.files.set(name, path)
}

/** A folder with all that is in it. What fails does not keep the rest from being copied, and is told at the end. */
function copyFolder(place: Place, { path, name }: Copy, above: readonly string[] = []): void {
  const real = realpathSync(path)
  if (above.includes(real)) throw systemError('ELOOP', path)
  if (place.files.has(name) || (place.folders.has(name) && !place.keepTree))
    throw systemError('EEXIST', stagedPath(place, name))
  place.folders.add(name)
  const failed = namesIn(path).flatMap((item) => {
    const copy = { path: join(path, item), name: `${name}/${item}` }
    const failure = attempt(() =>
      isFolder(copy.path) ? copyFolder(place, copy, [...above, real]) : copyFile(place, copy),
    )
    if (!failure) return []
    if (failure.type === TREE_ERROR) return [failure.message.slice(1, -1)]
    return [`(${[copy.path, stagedPath(place, copy.name), failure.message].map(pythonRepr).join(', ')})`]
  })
  if (failed.length > 0) throw new PythonError(TREE_ERROR, `[${failed.join(', ')}]`)
}

function addExtra(place: Place, path: string): void {
  if (isFile(path)) copyFile(place, { path, name: basename(path) })
  else if (!isFolder(path)) throw new PythonError('ValueError', `Invalid extra file given ${path}`)
  else if (place.keepTree) copyFolder(place, { path, name: basename(resolve(path)) })
  else
    for (const name of namesIn(path)) {
      const copy = { path: join(path, name), name }
      // What is neither, such as a link to nothing, is passed over here, as the original does.
      if (isFile(copy.path)) copyFile(place, copy)
      else if (isFolder(copy.path)) copyFolder(place, copy)
    }
}

const TREE_ERROR = 'shutil.Error'

/** Folders that never go into an archive, at any depth (contract archive §3.6). */
const unwanted = /^(?:__MACOSX|__pycache__|\..*)$/s

/** Without what lies in hidden folders and caches. */
export function withoutUnwanted(staged: Staged): Staged {
  const isWanted = (name: string) =>
    !name
      .split('/')
      .slice(0, -1)
      .some((step) => unwanted.test(step))
  return new Map([...staged].filter(([name]) => isWanted(name)))
}

/** Opens and closes the file, since a file that cannot be read has to be told before the output is touched. */
function checkReadable(path: string): void {
  if (statOf(path)?.isFIFO()) throw new PythonError('shutil.SpecialFileError', `\`${path}\` is a named pipe`)
  const opened = onSystemError(path, () => openSync(path, 'r'))
  try {
    if (fstatSync(opened).isDirectory()) throw systemError('EISDIR', path)
  } finally {
    closeSync(opened)
  }
}

/** Calls `action`, and gives its system error the text that Python has for it. */
export function onSystemError<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const code = systemCode(error)
    throw code === undefined ? error : systemError(code, path, { cause: error })
  }
}

function attempt(action: () => void): PythonError | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof PythonError && error.type !== 'ValueError') return error
    throw error
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

const isFile = (path: string) => statOf(path)?.isFile() ?? false
const isFolder = (path: string) => statOf(path)?.isDirectory() ?? false
const namesIn = (path: string): string[] => onSystemError(path, () => readdirSync(path).sort())
