/**
 * The life of one worker slot as a pure function: (state, event, now) → next state and what the caller has to do.
 *
 * The moves that exist: starting → loading → ready → draining → stopped; from starting, loading and ready an exit leads to
 * a new start: at once if this process had served, else after a wait that grows with each failed start
 * (TorchServe's steps, contract scheduling §8), for ever. One that dies young again and again waits a little, too: a model
 * that every request kills must not keep a core busy with starts that its neighbours need. The one that does not exist: from stopped to anywhere.
 * What a ready worker is busy with belongs to the dispatcher, not to this machine.
 */

/** Why a slot is not to run any more. */
export type StopReason = 'scaled-down' | 'recycled' | 'unregistered' | 'server-stopping'

/** A series of starts that failed one after the other. */
export interface FailedStarts {
  readonly count: number
  /** When the first of them failed. */
  readonly sinceMs: number
  /** Why the last one failed, in a sentence. */
  readonly cause: string
}

/** What is known of a slot from before its start. */
interface Past {
  readonly failed: FailedStarts | undefined
  /** How many processes in a row died within {@link YOUNG_MS} of being ready. */
  readonly young: number
}

/** Times are on the monotonic clock, in milliseconds. */
export type WorkerState =
  | ({ readonly kind: 'starting'; readonly deadlineMs: number } & Past)
  | ({ readonly kind: 'loading'; readonly pid: number; readonly deadlineMs: number } & Past)
  | { readonly kind: 'ready'; readonly pid: number; readonly sinceMs: number; readonly young: number }
  | { readonly kind: 'draining'; readonly pid: number; readonly reason: StopReason }
  | {
      readonly kind: 'waiting'
      readonly untilMs: number
      /** How long it waits in all, until then. */
      readonly waitMs: number
      readonly failed: FailedStarts
      readonly young: number
    }
  | { readonly kind: 'stopped'; readonly reason: StopReason }

/** What happens to a slot. `loaded` comes when the worker is ready for jobs, warm-up included. */
export type WorkerHappening =
  | { readonly kind: 'spawned'; readonly pid: number }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'exited'; readonly cause: string }
  | { readonly kind: 'stop'; readonly reason: StopReason }
  | { readonly kind: 'tick' }

/** What the caller does, in order. `drain`: let it finish and ask it to stop. `wakeAt`: send `tick` then. */
export type WorkerEffect =
  | { readonly kind: 'start' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'kill'; readonly why: string }
  | { readonly kind: 'wakeAt'; readonly atMs: number }

/** A move: the state after it and the effects that belong to it. */
export interface WorkerMove {
  readonly state: WorkerState
  readonly effects: readonly WorkerEffect[]
}

/** How long one start may take, from the spawn to the end of the load. */
export interface LifecycleOptions {
  readonly startupTimeoutMs: number
}

const BACK_OFF_S = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]

/** The wait after the `count`-th failed start in a row (from 1), in milliseconds. */
export function backOffMs(count: number): number {
  return 1000 * (BACK_OFF_S[Math.min(count, BACK_OFF_S.length) - 1] ?? 1)
}

/** A process that dies so soon after it was ready has died young. */
const YOUNG_MS = 1000
/** So many deaths in a row are not waited for: one request is tried again before it is given up, and there may be several. */
const YOUNG_AT_ONCE = 4
const YOUNG_WAITS_MS = [250, 500, 1000, 2000]

/** The first move of a slot. */
export function startWorker(nowMs: number, options: LifecycleOptions): WorkerMove {
  return start({ failed: undefined, young: 0 }, { ...options, nowMs })
}

/** Moves a slot; an event that means nothing in a state leaves it as it is. */
export function moveWorker(
  state: WorkerState,
  event: WorkerHappening,
  context: LifecycleOptions & { readonly nowMs: number },
): WorkerMove {
  switch (event.kind) {
    case 'spawned':
      return state.kind === 'starting'
        ? { state: { ...state, kind: 'loading', pid: event.pid }, effects: [] }
        : stay(state)
    case 'loaded':
      return state.kind === 'loading'
        ? {
            state: { kind: 'ready', pid: state.pid, sinceMs: context.nowMs, young: state.young },
            effects: [],
          }
        : stay(state)
    case 'exited':
      return exited(state, event.cause, context)
    case 'stop':
      return stop(state, event.reason)
    case 'tick':
      return tick(state, context)
    default:
      return event satisfies never
  }
}

function exited(
  state: WorkerState,
  cause: string,
  context: LifecycleOptions & { nowMs: number },
): WorkerMove {
  const { nowMs } = context
  switch (state.kind) {
    case 'starting':
    case 'loading': {
      const count = (state.failed?.count ?? 0) + 1
      const failed = { count, sinceMs: state.failed?.sinceMs ?? nowMs, cause }
      return wait(backOffMs(count), { nowMs, failed, young: state.young })
    }
    case 'ready': {
      // It had served: whatever ended it, the model loads.
      const young = nowMs - state.sinceMs < YOUNG_MS ? state.young + 1 : 0
      if (young <= YOUNG_AT_ONCE) return start({ failed: undefined, young }, context)
      const waitMs = YOUNG_WAITS_MS[young - YOUNG_AT_ONCE - 1] ?? YOUNG_WAITS_MS.at(-1) ?? 0
      return wait(waitMs, { nowMs, failed: { count: 0, sinceMs: nowMs, cause }, young })
    }
    case 'draining':
      return { state: { kind: 'stopped', reason: state.reason }, effects: [] }
    case 'waiting':
    case 'stopped':
      return stay(state)
    default:
      return state satisfies never
  }
}

function stop(state: WorkerState, reason: StopReason): WorkerMove {
  switch (state.kind) {
    case 'ready':
      return { state: { kind: 'draining', pid: state.pid, reason }, effects: [{ kind: 'drain' }] }
    case 'starting':
    case 'loading':
      // It has no job: nothing is lost by ending it at once.
      return {
        state: { kind: 'stopped', reason },
        effects: [{ kind: 'kill', why: 'it was stopped before it was ready' }],
      }
    case 'waiting':
      return { state: { kind: 'stopped', reason }, effects: [] }
    case 'draining':
    case 'stopped':
      return stay(state)
    default:
      return state satisfies never
  }
}

function tick(state: WorkerState, context: LifecycleOptions & { nowMs: number }): WorkerMove {
  const { nowMs } = context
  switch (state.kind) {
    case 'waiting':
      return nowMs >= state.untilMs ? start(state, context) : wakeAgain(state, state.untilMs)
    case 'starting':
    case 'loading': {
      const why = `it was not ready within the startup timeout of ${context.startupTimeoutMs} ms`
      return nowMs >= state.deadlineMs
        ? { state, effects: [{ kind: 'kill', why }] }
        : wakeAgain(state, state.deadlineMs)
    }
    case 'ready':
    case 'draining':
    case 'stopped':
      return stay(state)
    default:
      return state satisfies never
  }
}

function start(
  { failed, young }: Past,
  { startupTimeoutMs, nowMs }: LifecycleOptions & { nowMs: number },
): WorkerMove {
  const deadlineMs = nowMs + startupTimeoutMs
  const effects: WorkerEffect[] = [{ kind: 'start' }, { kind: 'wakeAt', atMs: deadlineMs }]
  return { state: { kind: 'starting', deadlineMs, failed, young }, effects }
}

function wait(
  waitMs: number,
  { nowMs, ...past }: { nowMs: number; failed: FailedStarts; young: number },
): WorkerMove {
  const untilMs = nowMs + waitMs
  return {
    state: { kind: 'waiting', untilMs, waitMs, ...past },
    effects: [{ kind: 'wakeAt', atMs: untilMs }],
  }
}

const stay = (state: WorkerState): WorkerMove => ({ state, effects: [] })

/** A tick that came early: timers are up to a millisecond ahead of the clock, and there would be no other. */
const wakeAgain = (state: WorkerState, atMs: number): WorkerMove => ({
  state,
  effects: [{ kind: 'wakeAt', atMs }],
})
