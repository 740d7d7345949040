/**
 * The owner of one version's queue: a deterministic state machine without I/O, clock or promises. It is told of events,
 * decides, and returns what is to be done as data; `version.ts` does it.
 *
 * The state is updated in place and not copied: one owner, and O(1) work for each event on the request path (to find
 * the least loaded worker it looks at each, and there are few). All costs that grow with the queue are bound to a coarse
 * wake-up, of which there is one for all jobs.
 */
import { assignWaiting } from './assign.js'
import { bury } from './death.js'
import {
  aheadEntries,
  begin,
  letGo,
  planCoarsely,
  recall,
  refreshIdle,
  requeue,
  settle,
  unsettled,
} from './moves.js'
import {
  QUEUED,
  createSeat,
  type DispatchEffect,
  type DispatchEvent,
  type DispatchState,
  type Entry,
  type Seat,
  type Turn,
  type WorkerId,
} from './state.js'
import { abandon, tick } from './time.js'
import type { LiveJob } from '../job.js'
import type { JobKey } from '../../protocol/messages.js'

/**
 * Tells the dispatcher of one event at `nowMs` (monotonic) and returns what is to be done, in order. Whether there is
 * room for one more job is asked before `accepted`, with `refusalOf`.
 */
export function assign(state: DispatchState, event: DispatchEvent, nowMs: number): readonly DispatchEffect[] {
  const turn: Turn = { state, nowMs, effects: [] }
  const wakeMs = state.wakeMs
  apply(turn, event)
  assignWaiting(turn)
  const rearm = state.wakeMs < wakeMs || (event.kind === 'tick' && state.wakeMs !== Infinity)
  if (rearm) turn.effects.push({ kind: 'wakeAt', atMs: state.wakeMs })
  return turn.effects
}

function apply(turn: Turn, event: DispatchEvent): void {
  switch (event.kind) {
    case 'accepted':
      accept(turn, event.job)
      break
    case 'hung-up':
      hangUp(turn, event.key)
      break
    case 'credit':
      grant(turn.state, event.worker, event.credit)
      break
    case 'refuse':
      refuse(turn, event.message)
      break
    case 'tick':
      tick(turn)
      break
    case 'started':
    case 'chunk':
    case 'result':
    case 'cancelled':
    case 'died':
    case 'retire': {
      const seat = turn.state.seats.get(event.worker)
      if (seat) applyToSeat(turn, seat, event)
      break
    }
    default:
      event satisfies never
  }
}

type WorkerEvent = Extract<
  DispatchEvent,
  { kind: 'started' | 'chunk' | 'result' | 'cancelled' | 'died' | 'retire' }
>

function applyToSeat(turn: Turn, seat: Seat, event: WorkerEvent): void {
  switch (event.kind) {
    case 'started':
      begin(
        turn,
        seat,
        heldBy(seat, event.keys).filter((entry) => entry.place.kind === 'sent'),
      )
      break
    case 'chunk':
      stream(turn, seat, event)
      break
    case 'result':
      answer(turn, seat, event)
      break
    case 'cancelled':
      takeBack(turn, heldBy(seat, event.keys), seat)
      break
    case 'died':
      bury(turn, seat, event.death)
      break
    case 'retire':
      retire(turn, seat)
      break
    default:
      event satisfies never
  }
}

function accept(turn: Turn, job: LiveJob): void {
  const { state } = turn
  const { operation, priority = 'normal' } = job.request
  const { deadlineMs } = job
  const entry: Entry = {
    job,
    priority,
    order: state.nextOrder++,
    prev: undefined,
    next: undefined,
    place: QUEUED,
    settled: false,
    // A describe request is never batched with others (TorchServe, contract scheduling §3).
    group: operation === 'describe' ? state.nextGroup++ : 0,
    deathsAlone: 0,
  }
  state.live++
  state.queue.append(entry)
  state.nextDeadlineMs = Math.min(state.nextDeadlineMs, deadlineMs)
  planCoarsely(turn, deadlineMs)
}

function hangUp(turn: Turn, key: JobKey): void {
  // Searched for: callers seldom hang up, and an index would have to be kept for each job.
  const entry = unsettled(turn.state).find((candidate) => candidate.job.key === key)
  const place = entry?.place.kind
  if (entry && place !== undefined && place !== 'gone') abandon(turn, entry, { kind: 'cancelled', place })
}

function grant(state: DispatchState, worker: WorkerId, credit: number): void {
  const seat = state.seats.get(worker) ?? createSeat(worker)
  state.seats.set(worker, seat)
  seat.credit = credit
  refreshIdle(state, seat)
}

function refuse(turn: Turn, message: string): void {
  for (const entry of turn.state.queue) settle(turn, entry, { kind: 'refused', message })
}

function stream(turn: Turn, seat: Seat, { key, chunk }: Extract<DispatchEvent, { kind: 'chunk' }>): void {
  const entry = heldEntry(seat, key)
  if (!entry || !('batch' in entry.place)) return
  const { batch } = entry.place
  batch.progressMs = turn.nowMs
  if (entry.place.kind === 'running') entry.place = { kind: 'streaming', seat, batch }
  if (!entry.settled) turn.effects.push({ kind: 'emit', job: entry.job, chunk })
}

function answer(turn: Turn, seat: Seat, event: Extract<DispatchEvent, { kind: 'result' }>): void {
  const entry = heldEntry(seat, event.key)
  if (!entry) return
  if (!entry.settled) entry.job.timing.handler = event.timing
  settle(turn, entry, { kind: 'answered', outcome: event.outcome })
  letGo(turn, seat, entry)
}

/** Only jobs without a chunk come back: a worker that hands back half an answer has broken it. */
function takeBack(turn: Turn, entries: readonly Entry[], seat: Seat): void {
  for (const entry of entries) {
    const broken = entry.place.kind === 'streaming'
    letGo(turn, seat, entry)
    if (broken) settle(turn, entry, { kind: 'died', message: 'gave up a streamed answer', stderr: [] })
    else if (!entry.settled) requeue(turn, entry)
  }
}

function retire(turn: Turn, seat: Seat): void {
  if (seat.phase !== 'serving') return
  seat.phase = 'retiring'
  refreshIdle(turn.state, seat)
  recall(turn, seat, aheadEntries(seat, Infinity))
  if (seat.held.length === 0) turn.effects.push({ kind: 'release', worker: seat.worker })
}

function heldBy(seat: Seat, keys: readonly JobKey[]): Entry[] {
  const entries: Entry[] = []
  for (const key of keys) {
    const entry = heldEntry(seat, key)
    if (entry) entries.push(entry)
  }
  return entries
}

const heldEntry = (seat: Seat, key: JobKey): Entry | undefined =>
  seat.held.find((entry) => entry.job.key === key)
