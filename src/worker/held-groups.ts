/**
 * The process groups that must not outlive this program. A worker ends with its connection, but not while its handler blocks
 * it: so all are killed when this program exits and, where it cannot (kill -9, want of memory), by a shell that has been told
 * of them and waits for the end of its input. That is one process of about 100 kB of its own for all workers, and a line
 * when one comes or goes. Linux's parent-death signal would spare what a handler has started, and follows a thread.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { killGroup, type Leader } from './kill-group.js'

const SCRIPT = `while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group"; done`

interface Shell {
  readonly child: ChildProcess
  /** Out of file descriptors, Node makes a child without streams, against its types. */
  readonly input: Socket | undefined
}

const held = new Set<number>()
let shell: Shell | undefined
process.on('exit', () => {
  for (const pid of held) killGroup({ pid })
})

/** From now on this group ends with this program. */
export function holdGroup({ pid }: Leader): void {
  if (pid === undefined) return
  held.add(pid)
  tellShell()
}

/** It has ended: its number may become another's. */
export function releaseGroup({ pid }: Leader): void {
  if (pid !== undefined && held.delete(pid)) tellShell()
}

/**
 * Each line names all of them; the last one counts. There is a shell while there is a group. Without one (an image that has none, no
 * memory for it) workers see the end of their connection as soon as their handlers let them.
 */
function tellShell(): void {
  try {
    shell ??= startShell()
  } catch {
    return
  }
  shell.input?.write(`${[...held].join(' ')}\n`)
  if (held.size > 0) return
  shell.input?.end()
  shell = undefined
}

/** Of a session of its own, for a Ctrl-C; it keeps neither this program alive nor a folder in use. */
function startShell(): Shell {
  const child = spawn('/bin/sh', ['-c', SCRIPT], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const input = child.stdin instanceof Socket ? child.stdin.unref() : undefined
  const forget = () => {
    if (shell?.child === child) shell = undefined
  }
  child.on('error', forget)
  child.on('exit', forget)
  input?.on('error', forget)
  child.unref()
  return { child, input }
}
