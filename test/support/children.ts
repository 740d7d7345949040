/** Child processes as Linux shows them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** True while there is a process of this number, or one in the group of −number; a zombie that nobody takes away is none. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return pid < 0 || !/^State:\tZ/m.test(statusOf(pid))
}

/** No event tells of the end of another's process. */
export async function untilGone(...pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await pause(10)
}

/** Pids of the children of a process; those that have ended and have not been waited for count too. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

/** The process that a process is a child of. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(statusOf(pid))?.[1])
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

/** The command line of a process, words between blanks; empty when it is gone. */
export const commandLineOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')

/** The working directory of a process; empty when it is gone. */
export function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** Threads and processes may end before they are read. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
