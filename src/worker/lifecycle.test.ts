/** The life of a worker slot: every pair of state and event, the back-off, and what holds on every path. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  backOffMs,
  moveWorker,
  startWorker,
  type WorkerEffect,
  type WorkerHappening,
  type WorkerMove,
  type WorkerState,
} from './lifecycle.js'

const startupTimeoutMs = 100
const nowMs = 5_000
const move = (state: WorkerState, event: WorkerHappening, at = nowMs): WorkerMove =>
  moveWorker(state, event, { startupTimeoutMs, nowMs: at })

const failed = { count: 2, sinceMs: 4_000, cause: 'exited with code 1' }
const states = {
  starting: { kind: 'starting', deadlineMs: 5_050, failed, young: 2 },
  loading: { kind: 'loading', pid: 7, deadlineMs: 5_050, failed, young: 2 },
  ready: { kind: 'ready', pid: 7, sinceMs: 0, young: 2 },
  draining: { kind: 'draining', pid: 7, reason: 'unregistered' },
  waiting: { kind: 'waiting', untilMs: 5_050, waitMs: 1_000, failed, young: 2 },
  stopped: { kind: 'stopped', reason: 'unregistered' },
} as const satisfies { [Kind in WorkerState['kind']]: Extract<WorkerState, { kind: Kind }> }

const events = {
  spawned: { kind: 'spawned', pid: 8 },
  loaded: { kind: 'loaded' },
  exited: { kind: 'exited', cause: 'killed by SIGSEGV' },
  stop: { kind: 'stop', reason: 'scaled-down' },
  tick: { kind: 'tick' },
} as const satisfies { [Kind in WorkerHappening['kind']]: Extract<WorkerHappening, { kind: Kind }> }

const killed: WorkerEffect = { kind: 'kill', why: 'it was stopped before it was ready' }
const stopped = { kind: 'stopped', reason: 'scaled-down' } as const
/** The third failure in a row: two seconds. */
const backedOff: WorkerMove = {
  state: {
    kind: 'waiting',
    untilMs: 7_000,
    waitMs: 2_000,
    failed: { count: 3, sinceMs: 4_000, cause: 'killed by SIGSEGV' },
    young: 2,
  },
  effects: [{ kind: 'wakeAt', atMs: 7_000 }],
}

/** A tick before its time asks to be woken again: timers of Node run a little ahead of the clock. */
function tooEarly(kind: 'starting' | 'loading' | 'waiting'): WorkerMove {
  return { state: states[kind], effects: [{ kind: 'wakeAt', atMs: 5_050 }] }
}

/** The moves that exist; every pair that is not here leaves the state as it is, without effects. */
const moves: {
  readonly [State in WorkerState['kind']]: Partial<Record<WorkerHappening['kind'], WorkerMove>>
} = {
  starting: {
    spawned: { state: { kind: 'loading', pid: 8, deadlineMs: 5_050, failed, young: 2 }, effects: [] },
    exited: backedOff,
    stop: { state: stopped, effects: [killed] },
    tick: tooEarly('starting'),
  },
  loading: {
    loaded: { state: { kind: 'ready', pid: 7, sinceMs: nowMs, young: 2 }, effects: [] },
    exited: backedOff,
    stop: { state: stopped, effects: [killed] },
    tick: tooEarly('loading'),
  },
  ready: {
    exited: startWorker(nowMs, { startupTimeoutMs }),
    stop: { state: { kind: 'draining', pid: 7, reason: 'scaled-down' }, effects: [{ kind: 'drain' }] },
  },
  draining: { exited: { state: { kind: 'stopped', reason: 'unregistered' }, effects: [] } },
  waiting: { stop: { state: stopped, effects: [] }, tick: tooEarly('waiting') },
  stopped: {},
}

const stateKinds = Object.keys(states) as WorkerState['kind'][]
const eventKinds = Object.keys(events) as WorkerHappening['kind'][]
const pairs = stateKinds.flatMap((state) => eventKinds.map((event) => [state, event] as const))

describe('a slot', () => {
  test.each(pairs)('that is %s, on %s', (state, event) => {
    const expected = moves[state][event] ?? { state: states[state], effects: [] }
    expect(move(states[state], events[event])).toEqual(expected)
  })

  test('starts with a deadline for the whole start', () => {
    expect(startWorker(1_000, { startupTimeoutMs })).toEqual({
      state: { kind: 'starting', deadlineMs: 1_100, failed: undefined, young: 0 },
      effects: [{ kind: 'start' }, { kind: 'wakeAt', atMs: 1_100 }],
    })
  })

  test.each(['starting', 'loading'] as const)('that is still %s at its deadline is killed', (kind) => {
    const why = 'it was not ready within the startup timeout of 100 ms'
    expect(move(states[kind], events.tick, 5_049).effects).toEqual([{ kind: 'wakeAt', atMs: 5_050 }])
    expect(move(states[kind], events.tick, 5_050)).toEqual({
      state: states[kind],
      effects: [{ kind: 'kill', why }],
    })
  })

  test('that waits starts again when its wait is over, and remembers its failures', () => {
    expect(move(states.waiting, events.tick, 5_050)).toEqual({
      state: { kind: 'starting', deadlineMs: 5_150, failed, young: 2 },
      effects: [{ kind: 'start' }, { kind: 'wakeAt', atMs: 5_150 }],
    })
  })
})

describe('a worker that dies young', () => {
  /** How long a slot waits after each of so many deaths, each so long after it was ready. */
  function waits(ages: readonly number[]): number[] {
    let { state } = startWorker(0, { startupTimeoutMs })
    let now = 0
    return ages.map((ageMs) => {
      state = move(state, events.spawned, now).state
      state = move(state, events.loaded, now).state
      state = move(state, events.exited, (now += ageMs)).state
      if (state.kind !== 'waiting') return 0
      const waited = state.untilMs - now
      now = state.untilMs
      state = move(state, events.tick, now).state
      return waited
    })
  }

  test('starts at once four times, then waits a little, and never more than two seconds', () => {
    expect(waits(Array<number>(10).fill(20))).toEqual([0, 0, 0, 0, 250, 500, 1000, 2000, 2000, 2000])
  })

  test('and once lives for a second starts at once again', () => {
    expect(waits([20, 20, 20, 20, 20, 1000, 20, 20, 20, 20, 20])).toEqual([
      0, 0, 0, 0, 250, 0, 0, 0, 0, 0, 250,
    ])
  })
})

describe('the back-off', () => {
  /** Lets a slot fail to start so many times; returns how long each wait was. */
  function waits(times: number): number[] {
    let { state } = startWorker(0, { startupTimeoutMs })
    let now = 0
    return Array.from({ length: times }, () => {
      state = move(state, events.spawned, now).state
      state = move(state, events.exited, (now += 10)).state
      if (state.kind !== 'waiting') throw new Error(`it is ${state.kind}`)
      const waitMs = state.untilMs - now
      now = state.untilMs
      state = move(state, events.tick, now).state
      return waitMs
    })
  }

  test('grows by 1, 1, 2, 3, 5, 8 … seconds up to 233, for ever', () => {
    expect(waits(16)).toEqual(
      [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 233, 233, 233].map((s) => s * 1000),
    )
    expect(backOffMs(1_000_000)).toBe(233_000)
  })

  test('begins anew once a start has come to serve, and that one restarts at once', () => {
    const ready = move(states.loading, events.loaded).state
    const again = move(ready, events.exited)
    expect(again.effects).toContainEqual({ kind: 'start' })
    const failedOnce = move(again.state, events.exited).state
    expect(failedOnce).toMatchObject({ kind: 'waiting', untilMs: nowMs + 1000, failed: { count: 1 } })
  })

  test('keeps the time of the first failure and the cause of the last', () => {
    const first = move(startWorker(0, { startupTimeoutMs }).state, { kind: 'exited', cause: 'a' }, 10).state
    const restarted = move(first, events.tick, 2_000).state
    const second = move(restarted, { kind: 'exited', cause: 'b' }, 3_000).state
    expect(second).toMatchObject({ failed: { count: 2, sinceMs: 10, cause: 'b' } })
  })
})

describe('on every path', () => {
  const path = fc.array(fc.tuple(fc.constantFrom(...eventKinds), fc.nat(100_000)), { maxLength: 40 })

  test('stopped is the end, and a start is ordered exactly when the state becomes starting', () => {
    const property = fc.property(path, (steps) => {
      let { state } = startWorker(0, { startupTimeoutMs })
      let now = 0
      for (const [kind, later] of steps) {
        const next = move(state, events[kind], (now += later))
        if (state.kind === 'stopped') expect(next).toEqual({ state, effects: [] })
        const becameStarting = next.state.kind === 'starting' && next.state !== state
        expect(next.effects.some((effect) => effect.kind === 'start')).toBe(becameStarting)
        // Whoever has to be woken is told when, and again when it came too early: no state that waits can be forgotten.
        if (next.state.kind === 'waiting' && (next.state !== state || kind === 'tick')) {
          expect(next.effects).toContainEqual({ kind: 'wakeAt', atMs: next.state.untilMs })
        }
        state = next.state
      }
    })
    fc.assert(property)
  })

  test('a process is never ordered while another may live', () => {
    const property = fc.property(path, (steps) => {
      let { state, effects } = startWorker(0, { startupTimeoutMs })
      let alive = 0
      let now = 0
      const perform = () => (alive += effects.filter(({ kind }) => kind === 'start').length)
      perform()
      for (const [kind, later] of steps) {
        if (kind === 'exited' && alive === 0) continue
        if (kind === 'exited') alive--
        ;({ state, effects } = move(state, events[kind], (now += later)))
        perform()
        expect(alive).toBeLessThanOrEqual(1)
      }
    })
    fc.assert(property)
  })
})
