/** Watches a project for `marina dev`: says once, a moment after the last of several changes, that something changed. */
import { basename, relative, sep } from 'node:path'
import { watch } from 'chokidar'

/** Editors and builds write several files, or one in several steps; what follows so soon belongs to one change. */
const QUIET_MS = 30

/** What changed: the last file of several, relative to the project, and when the newest of them was written. */
export interface ProjectChange {
  readonly file: string
  /** Epoch milliseconds on the file system's clock; infinite for what is gone. */
  readonly writtenMs: number
}

/** A running watch. */
export interface ProjectWatch {
  /** Watches these files too, such as sources that lie outside of the project. */
  add(files: readonly string[]): void
  close(): Promise<void>
}

/** Resolves when the folder is watched: what changes from then on is told. */
export async function watchProject(
  folder: string,
  onChange: (change: ProjectChange) => void,
): Promise<ProjectWatch> {
  const watcher = watch(folder, {
    ignoreInitial: true,
    alwaysStat: true,
    ignored: (path) => path !== folder && isNoSource(relative(folder, path)),
  })
  let timer: NodeJS.Timeout | undefined
  let newestMs = 0
  watcher.on('all', (_, path, stats) => {
    clearTimeout(timer)
    // The time of the inode, not of the content: a file that is moved in keeps that of its content.
    newestMs = Math.max(newestMs, stats?.ctimeMs ?? Infinity)
    timer = setTimeout(() => {
      onChange({ file: relative(folder, path), writtenMs: newestMs })
      newestMs = 0
    }, QUIET_MS)
  })
  // A folder that cannot be read is not watched; the rest is.
  watcher.on('error', () => undefined)
  await new Promise<void>((resolve) => watcher.once('ready', resolve))
  return {
    add: (files) => void watcher.add([...files]),
    async close() {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}

/** What a project holds that no handler is made of; `path` is relative to it. */
function isNoSource(path: string): boolean {
  const parts = path.split(sep)
  return (
    parts.some((part) => IGNORED_FOLDERS.has(part) || (part.startsWith('.') && part !== '..')) ||
    /(~|\.(swp|tmp|log|mar|md|pyc))$|\.(test|spec)\.\w+$/.test(basename(path))
  )
}

const IGNORED_FOLDERS: ReadonlySet<string> = new Set([
  'node_modules',
  'runs',
  'model_store',
  'test',
  '__pycache__',
])
