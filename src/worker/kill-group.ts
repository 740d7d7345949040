/** How processes of ours are ended. */

/** A process that leads a group of its own; without a number where it could not be started. */
export interface Leader {
  readonly pid?: number | undefined
}

/** Kills a worker with all that its handler has started: it leads a process group of its own. */
export function killGroup({ pid }: Leader): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
