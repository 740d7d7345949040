/** How processes of ours are ended. */

/** Kills a worker with all that its handler has started: it leads a process group of its own. */
export function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
