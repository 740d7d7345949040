/** The loop of `marina dev`: one load at a time, and one more when something changed meanwhile. */
import type { ProjectChange } from './watch.js'

/** File systems stamp with a clock that lags behind by a tick of the kernel, at most this much. */
const CLOCK_LAG_MS = 20

/** Keeps a project loaded. */
export interface Reloader {
  /** Loads now, or once more after the load that is under way; not for what the last load has seen already. */
  changed(change: ProjectChange): void
  /** Loads nothing any more; resolves when the load that is under way has ended. */
  close(): Promise<void>
}

type State =
  | { readonly kind: 'idle'; readonly lastBeganMs: number }
  | {
      readonly kind: 'loading'
      readonly lastBeganMs: number
      readonly done: Promise<void>
      readonly again: string | undefined
    }
  | { readonly kind: 'closed' }

/**
 * Makes the loop around `load`, which is given the name of the file that changed, reports its own failures and never
 * rejects. `nowMs` is the time since the epoch.
 */
export function createReloader(
  load: (file: string) => Promise<void>,
  nowMs: () => number = Date.now,
): Reloader {
  let state: State = { kind: 'idle', lastBeganMs: -Infinity }
  const run = async (first: string) => {
    for (let file: string | undefined = first; file !== undefined;) {
      await load(file)
      file = state.kind === 'loading' ? state.again : undefined
      if (state.kind === 'loading' && file !== undefined)
        state = { ...state, lastBeganMs: nowMs(), again: undefined }
    }
    if (state.kind === 'loading') state = { kind: 'idle', lastBeganMs: state.lastBeganMs }
  }
  return {
    changed({ file, writtenMs }) {
      // Watchers tell one write twice, the second time when it may have been loaded.
      if (state.kind === 'closed' || writtenMs < state.lastBeganMs - CLOCK_LAG_MS) return
      if (state.kind === 'loading') {
        state = { ...state, again: file }
        return
      }
      // The promise is there before the state says so: `run` must not look at it in its first turn.
      const done = Promise.resolve().then(() => run(file))
      state = { kind: 'loading', lastBeganMs: nowMs(), done, again: undefined }
    },
    async close() {
      const last = state
      state = { kind: 'closed' }
      if (last.kind === 'loading') await last.done
    },
  }
}
