/* global clearTimeout */
/** The servers that a bench has started end with it, also by a signal, and also while they stand still. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { treeOf } from './wrk.mjs'

/** How long a server may take to end when it is asked to. */
const GRACE_MS = 10_000
/** Each server's process, with its workers as they were when it was ready. */
const started = new Map()

process.on('exit', () => {
  for (const child of started.keys()) signal(familyOf(child), 'SIGKILL')
})
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(name, () => process.exit(128 + constants.signals[name]))

/** As `spawn`, for a server. */
export function spawnServer(command, args, options) {
  const child = spawn(command, args, options)
  if (child.pid !== undefined) started.set(child, [child.pid])
  return child
}

/** Says which processes belong to a server, so that they end with it even when it is gone before them. */
export const keepWorkers = (child, pids) => started.set(child, pids)

/** Ends a server and all below it: asks it to first, and kills what is left. One that has ended already is no error. */
export async function stop({ child }) {
  const family = familyOf(child)
  if (isRunning(child)) await end(child, family)
  // Workers that stand still do not notice the end of their server.
  signal(family, 'SIGKILL')
  started.delete(child)
}

/** Ends all servers that are left. */
export async function stopAll() {
  await Promise.all([...started.keys()].map((child) => stop({ child })))
}

async function end(child, family) {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  signal(family.toReversed(), 'SIGCONT')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await ended
  clearTimeout(patience)
}

const isRunning = (child) => child.exitCode === null && child.signalCode === null

/** A server, those below it, and its group where it has one of its own. */
const familyOf = (child) => [-child.pid, ...(isRunning(child) ? treeOf(child.pid) : started.get(child))]

function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It is gone, or no group.
    }
  }
}
