/** The small steps that the dispatcher's decisions are made of; each keeps the counters of `DispatchState` true. */
import {
  GONE,
  QUEUED,
  type Batch,
  type DispatchState,
  type Ending,
  type Entry,
  type Place,
  type Seat,
  type Turn,
} from './state.js'

/** Weight of the newest batch in the running means. */
const MEAN_WEIGHT = 0.1

const meanOf = (meanMs: number | undefined, newestMs: number): number =>
  meanMs === undefined ? newestMs : meanMs + MEAN_WEIGHT * (newestMs - meanMs)

/** Wake-ups that need no precision fall on multiples of this, so that many deadlines share one. */
const COARSE_MS = 20

/** Orders a wake-up at `atMs`, unless an earlier one is ordered; `assign` turns the order into an effect. */
export function plan({ state }: Turn, atMs: number): void {
  if (atMs < state.wakeMs) state.wakeMs = atMs
}

/** As {@link plan}, up to 20 ms later than asked. */
export const planCoarsely = (turn: Turn, atMs: number): void =>
  plan(turn, Math.ceil(atMs / COARSE_MS) * COARSE_MS)

/** Gives the caller its outcome, once. A worker that holds the job goes on holding it. */
export function settle({ state, effects }: Turn, entry: Entry, ending: Ending): void {
  if (entry.settled) return
  entry.settled = true
  state.live--
  if (entry.place.kind === 'queued') {
    state.queue.remove(entry)
    entry.place = GONE
  } else if (entry.place.kind === 'sent') state.aheadWaiting--
  effects.push({ kind: 'settle', job: entry.job, ending })
}

/** Puts a job that no worker holds any more back to where its order belongs. */
export function requeue({ state }: Turn, entry: Entry): void {
  entry.place = QUEUED
  state.queue.restore(entry)
}

/** A worker has one job more, which it has not been told to start. */
export function holdAhead(state: DispatchState, seat: Seat, entry: Entry): void {
  seat.held.push(entry)
  seat.ahead++
  state.aheadWaiting++
  entry.place = { kind: 'sent', seat, recalled: false }
}

/** Jobs that the worker holds, or gets now, are at work there from now on, as one batch. */
export function begin(turn: Turn, seat: Seat, entries: readonly Entry[]): void {
  const [first] = entries
  if (!first) return
  const { state, nowMs } = turn
  state.meanQueueMs = meanOf(state.meanQueueMs, nowMs - first.job.timing.acceptedMs)
  const batch: Batch = { startedMs: nowMs, progressMs: nowMs, size: entries.length, left: entries.length }
  const running: Place = { kind: 'running', seat, batch }
  for (const entry of entries) {
    if (entry.place.kind === 'sent') leaveAhead(state, seat, entry)
    else seat.held.push(entry)
    entry.place = running
    entry.job.timing.startedMs = nowMs
  }
  seat.batches.push(batch)
  planCoarsely(turn, nowMs + state.options.responseTimeoutMs)
}

/** The worker does not hold the job any more: it answered it, handed it back, or died. */
export function letGo(turn: Turn, seat: Seat, entry: Entry): void {
  const { place } = entry
  remove(seat.held, entry)
  leaveAhead(turn.state, seat, entry)
  if (place.kind === 'running' || place.kind === 'streaming') leaveBatch(turn, seat, place.batch)
  entry.place = GONE
  if (seat.held.length === 0) becomeEmpty(turn, seat)
}

/** The worker is asked to give jobs back, or to interrupt them; `cancelled` or `result` follows for each. */
export function recall({ effects }: Turn, seat: Seat, entries: readonly Entry[]): void {
  if (entries.length === 0) return
  for (const entry of entries) {
    if (entry.place.kind !== 'sent') continue
    seat.ahead--
    seat.recalled++
    entry.place = { kind: 'sent', seat, recalled: true }
  }
  effects.push({ kind: 'recall', worker: seat.worker, keys: entries.map((entry) => entry.job.key) })
}

/** The oldest jobs that wait at a busy worker and have not been recalled, at most `limit`. */
export function aheadEntries(seat: Seat, limit: number): Entry[] {
  const found: Entry[] = []
  for (const entry of seat.held) {
    if (found.length >= limit) break
    if (entry.place.kind === 'sent' && !entry.place.recalled) found.push(entry)
  }
  return found
}

/** All jobs that are not settled, wherever they are: those that workers hold, then those in the queue. */
export function unsettled({ queue, seats }: DispatchState): Entry[] {
  const held = [...seats.values()].flatMap((seat) => seat.held)
  return [...held.filter((entry) => !entry.settled), ...queue]
}

/** Enters a worker into the idle list or takes it out, as its state demands. */
export function refreshIdle(state: DispatchState, seat: Seat): void {
  const isIdle = seat.phase === 'serving' && seat.held.length === 0 && seat.credit > 0
  if (!isIdle) remove(state.idle, seat)
  else if (!state.idle.includes(seat)) state.idle.push(seat)
}

function leaveAhead(state: DispatchState, seat: Seat, entry: Entry): void {
  if (entry.place.kind !== 'sent') return
  if (entry.place.recalled) seat.recalled--
  else seat.ahead--
  if (!entry.settled) state.aheadWaiting--
}

function leaveBatch({ state, nowMs }: Turn, seat: Seat, batch: Batch): void {
  batch.progressMs = nowMs
  if (--batch.left > 0) return
  remove(seat.batches, batch)
  if (seat.phase === 'condemned') return // how long it took to die says nothing about how long batches take
  state.meanRunMs = meanOf(state.meanRunMs, nowMs - batch.startedMs)
}

/** Takes an element out of a short list, if it is there: mostly the first. */
function remove<T>(list: T[], element: T): void {
  const at = list.indexOf(element)
  if (at >= 0) list.splice(at, 1)
}

function becomeEmpty({ state, effects }: Turn, seat: Seat): void {
  seat.exclusive = false
  if (seat.phase === 'retiring') effects.push({ kind: 'release', worker: seat.worker })
  refreshIdle(state, seat)
}
