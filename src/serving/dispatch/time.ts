/** What time alone brings about: batches that do not answer, and jobs whose deadline passes. */
import { planCoarsely, recall, settle, unsettled } from './moves.js'
import type { Entry, Seat, Turn } from './state.js'

/** Looks at all deadlines, acts on those that have passed and plans the next wake-up. */
export function tick(turn: Turn): void {
  turn.state.wakeMs = Infinity
  for (const seat of turn.state.seats.values()) endOverdueBatches(turn, seat)
  if (turn.state.nextDeadlineMs <= turn.nowMs) dropOverdueJobs(turn)
  planCoarsely(turn, turn.state.nextDeadlineMs)
}

/**
 * A response time-out is final for the jobs of the batch concerned and kills the worker. What else it holds is dealt
 * with when it is dead, because only then is it known what had started.
 */
function endOverdueBatches(turn: Turn, seat: Seat): void {
  if (seat.phase === 'condemned') return
  const { responseTimeoutMs } = turn.state.options
  for (const batch of seat.batches) {
    if (turn.nowMs < batch.progressMs + responseTimeoutMs) {
      planCoarsely(turn, batch.progressMs + responseTimeoutMs)
      continue
    }
    seat.phase = 'condemned'
    for (const entry of seat.held) {
      if ('batch' in entry.place && entry.place.batch === batch) {
        settle(turn, entry, { kind: 'timed-out', phase: 'response' })
      }
    }
  }
  if (seat.phase === 'condemned') {
    const message = `it gave no sign of life for ${responseTimeoutMs} ms while it ran a batch`
    turn.effects.push({ kind: 'kill', worker: seat.worker, message })
  }
}

/** Nobody waits for a job past its deadline: it is answered at once, recalled where it was sent ahead, interrupted where it runs. */
function dropOverdueJobs(turn: Turn): void {
  const { state, nowMs } = turn
  state.nextDeadlineMs = Infinity
  for (const entry of unsettled(state)) {
    const { deadlineMs } = entry.job
    if (deadlineMs > nowMs) state.nextDeadlineMs = Math.min(state.nextDeadlineMs, deadlineMs)
    else abandon(turn, entry, { kind: 'timed-out', phase: waits(entry) ? 'queue' : 'running' })
  }
}

const waits = ({ place }: Entry): boolean => place.kind === 'queued' || place.kind === 'sent'

/** Settles a job that the caller has given up, and asks the worker that holds it to drop it. */
export function abandon(turn: Turn, entry: Entry, ending: Parameters<typeof settle>[2]): void {
  const { place } = entry
  settle(turn, entry, ending)
  if (place.kind === 'running' || place.kind === 'streaming' || (place.kind === 'sent' && !place.recalled)) {
    recall(turn, place.seat, [entry])
  }
}
