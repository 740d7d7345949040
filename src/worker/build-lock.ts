/** A lock on disk that processes of one machine take turns with; that of a process which is gone does not count. */
import { basename, dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { claim } from '../claims.js'

/** There is no event for the end of another process's work. */
const LOOK_EVERY_MS = 200

/**
 * Runs `work` while no other process holds `file`, which stands for claims beside it: `<file>-<claim>`. Its folder must
 * be there. Rejects with the signal's reason while it waits.
 */
export async function withLock<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const release = await take(file, signal)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function take(file: string, signal: AbortSignal): Promise<() => Promise<void>> {
  for (;;) {
    const claimed = await claim(dirname(file), `${basename(file)}-`)
    if (claimed.kind === 'held') return claimed.release
    // Two that have refused each other must not meet again.
    await pause(LOOK_EVERY_MS * (0.5 + Math.random()), undefined, { signal })
  }
}
