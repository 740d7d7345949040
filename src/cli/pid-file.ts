/** The file by which one `torchserve` finds the server that another one started (contract server-config §2.1). */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the pid file says. */
export type Found =
  | { readonly kind: 'none' }
  /** The process is gone: its file is an orphan. */
  | { readonly kind: 'gone' }
  /** Another program has that pid now. */
  | { readonly kind: 'other' }
  | { readonly kind: 'running'; readonly pid: number }

/** `.model_server.pid` in the folder for temporary files, as Python finds it. */
export const pidFilePath = (environment: NodeJS.ProcessEnv): string =>
  join(temporaryFolder(environment), '.model_server.pid')

/** The first usable of TMPDIR, TEMP, TMP, then /tmp. Source: Python's `tempfile.gettempdir`. */
function temporaryFolder(environment: NodeJS.ProcessEnv): string {
  const named = ['TMPDIR', 'TEMP', 'TMP'].map((name) => environment[name]).filter((folder) => folder)
  return [...named, '/tmp', '/var/tmp', '/usr/tmp'].find((folder) => isUsable(folder)) ?? process.cwd()
}

function isUsable(folder: string | undefined): folder is string {
  if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    return false
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Looks whether the server of the pid file runs. */
export function findServer(path: string): Found {
  const text = readIfThere(path)
  if (text === undefined) return { kind: 'none' }
  const [first = '', mark] = text.split('\n')
  const pid = /^\d{1,10}$/.test(first.trim()) ? Number(first) : 0
  const start = pid === 0 ? undefined : startOf(pid)
  if (start === undefined) return { kind: 'gone' }
  // A pid is used again, soonest in a container; the second line tells the processes apart. The original writes none.
  const isServer = mark ? mark === start : JAVA_SERVER.test(commandOf(pid))
  return isServer ? { kind: 'running', pid } : { kind: 'other' }
}

const JAVA_SERVER = /org\.pytorch\.serve\.ModelServer/

/** Writes the pid of a server, and when it began. Readers of the original take the first line only. */
export function writePidFile(path: string, pid: number): void {
  const beside = `${path}.${pid}`
  writeFileSync(beside, `${pid}\n${startOf(pid) ?? ''}\n`)
  renameSync(beside, path)
}

/** Removes the file; it may be gone already. */
export const removePidFile = (path: string): void => rmSync(path, { force: true })

/** Removes the file unless another server's pid stands in it by now. */
export function removeOwnPidFile(path: string, pid: number): void {
  const found = findServer(path)
  if (found.kind === 'running' && found.pid === pid) removePidFile(path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** When a process began, in ticks since the machine did (Linux) or as a date; undefined when it is gone. */
function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return ask(pid, 'lstart=') || undefined
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The name in parentheses may hold blanks; the 20th field after it is the start. Source: proc_pid_stat(5).
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function commandOf(pid: number): string {
  if (process.platform !== 'linux') return ask(pid, 'command=')
  return readIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? ''
}

function ask(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-p', String(pid), '-o', column], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}
