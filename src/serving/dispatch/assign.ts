/**
 * The batching policy: which waiting job goes to which worker, now. Read aloud:
 * 1. A worker that is idle takes the first jobs (by priority, then by age) and starts at once; if several are idle, they share what waits.
 *    (A version with fixed batches lets them wait for companions, until the oldest is `maxBatchDelayMs` old.)
 * 2. When no worker is idle, jobs are sent ahead to busy ones within their credit, to the least loaded first.
 * 3. When a worker is idle and nothing waits here, the longest-waiting jobs that were sent ahead are recalled for it.
 */
import { aheadEntries, begin, holdAhead, plan, recall, settle } from './moves.js'
import type { DispatchState, Entry, Seat, Turn } from './state.js'
import type { LiveJob } from '../job.js'

/**
 * A recall costs a message each way, and the worker may have started the job meanwhile. When it will probably be free
 * within this time, recalling gains nothing: fast handlers at middling load would otherwise cancel after each result.
 */
const RECALL_COST_MS = 0.5
/** After how long to look again at a recall that was not worth its cost. */
const RECALL_AGAIN_MS = 1

/** Hands out what waits. Called at the end of each event. */
export function assignWaiting(turn: Turn): void {
  startOnIdle(turn)
  if (turn.state.queue.length > 0) sendAhead(turn)
  if (turn.state.aheadWaiting > 0 && turn.state.idle.length > 0) recallForIdle(turn)
}

function startOnIdle(turn: Turn): void {
  const { state, effects } = turn
  while (state.idle.length > 0) {
    const head = firstAlive(turn)
    if (!head || waitsForCompanions(turn, head)) return
    const share = Math.ceil(state.queue.length / state.idle.length)
    const seat = state.idle.pop()
    if (!seat) return
    const { batchSize, fixedBatches } = state.options
    const limit = Math.min(batchSize, seat.credit, fixedBatches || head.group !== 0 ? batchSize : share)
    const entries = takeBatch(turn, head, limit)
    seat.exclusive = head.group !== 0
    begin(turn, seat, entries)
    effects.push({ kind: 'send', worker: seat.worker, jobs: jobsOf(turn, entries), start: true })
  }
}

/** Only with fixed batches: true while the batch is not full and its oldest job not overdue. */
function waitsForCompanions(turn: Turn, head: Entry): boolean {
  const { options, queue } = turn.state
  if (!options.fixedBatches || head.group !== 0 || queue.length >= options.batchSize) return false
  const { job } = queue.oldest ?? head
  const overdueMs = job.timing.acceptedMs + options.maxBatchDelayMs
  if (turn.nowMs >= overdueMs) return false
  plan(turn, overdueMs)
  return true
}

function sendAhead(turn: Turn): void {
  const { state, effects } = turn
  if (state.idle.length > 0) return // fixed batches that wait for companions
  const least = state.options.fixedBatches ? state.options.batchSize : 1
  const sent = new Map<Seat, LiveJob[]>()
  for (
    let head = firstAlive(turn);
    head?.group === 0 && state.queue.length >= least;
    head = firstAlive(turn)
  ) {
    const seat = leastLoaded(state, least)
    if (!seat) break
    const entries = takeBatch(turn, head, least)
    for (const entry of entries) holdAhead(state, seat, entry)
    const jobs = sent.get(seat)
    if (jobs) jobs.push(...jobsOf(turn, entries))
    else sent.set(seat, jobsOf(turn, entries))
  }
  for (const [seat, jobs] of sent) effects.push({ kind: 'send', worker: seat.worker, jobs, start: false })
}

/** The busy worker with room for `count` jobs that has the fewest ahead; among equals the one that started first. */
function leastLoaded(state: DispatchState, count: number): Seat | undefined {
  let best: Seat | undefined
  for (const seat of state.seats.values()) {
    if (seat.phase !== 'serving' || seat.exclusive || seat.held.length === 0) continue
    if (seat.held.length + count > seat.credit) continue
    const ahead = seat.ahead + seat.recalled
    if (!best || ahead < best.ahead + best.recalled) best = seat
    else if (ahead === best.ahead + best.recalled && startedMs(seat) < startedMs(best)) best = seat
  }
  return best
}

function recallForIdle(turn: Turn): void {
  const { state } = turn
  let wanted = state.idle.length
  for (const seat of state.seats.values()) if (seat.recalled > 0) wanted--
  while (wanted-- > 0) {
    const victim = longestWaiting(turn)
    if (!victim) return
    recall(turn, victim, aheadEntries(victim, state.options.batchSize))
  }
}

/** The worker whose oldest job ahead is the oldest of all, among those where a recall is worth its cost. */
function longestWaiting(turn: Turn): Seat | undefined {
  let best: { seat: Seat; order: number } | undefined
  for (const seat of turn.state.seats.values()) {
    // One recall at a time for each worker: a second would only repeat the first one's question.
    if (seat.ahead === 0 || seat.recalled > 0 || seat.phase !== 'serving') continue
    if (expectedLeftMs(turn, seat) < RECALL_COST_MS) {
      plan(turn, turn.nowMs + RECALL_AGAIN_MS)
      continue
    }
    const order = aheadEntries(seat, 1)[0]?.order
    if (order !== undefined && (!best || order < best.order)) best = { seat, order }
  }
  return best?.seat
}

/** A guess at how long a busy worker will stay busy. A batch that has outlived the mean is expected to last as long again. */
function expectedLeftMs({ state, nowMs }: Turn, seat: Seat): number {
  if (state.meanRunMs === undefined) return Infinity
  const elapsedMs = nowMs - startedMs(seat)
  return elapsedMs < state.meanRunMs ? state.meanRunMs - elapsedMs : elapsedMs
}

function startedMs(seat: Seat): number {
  const [oldest] = seat.batches
  return oldest ? oldest.startedMs : Infinity
}

/** The head of the queue, after dropping jobs that nobody wants any more. */
function firstAlive(turn: Turn): Entry | undefined {
  for (;;) {
    const head = turn.state.queue.head
    if (!head || head.job.deadlineMs > turn.nowMs) return head
    settle(turn, head, { kind: 'timed-out', phase: 'queue' })
  }
}

function takeBatch(turn: Turn, head: Entry, limit: number): Entry[] {
  const { queue } = turn.state
  const entries: Entry[] = []
  for (let entry: Entry | undefined = head; entry && entries.length < limit; entry = firstAlive(turn)) {
    if (entry.group !== head.group) break
    queue.take(entry)
    entries.push(entry)
  }
  return entries
}

function jobsOf({ nowMs }: Turn, entries: readonly Entry[]): LiveJob[] {
  return entries.map((entry) => {
    entry.job.timing.sentMs = nowMs
    return entry.job
  })
}
