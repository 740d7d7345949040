/** How much a version's workers have to do, read from what its dispatcher knows. */
import { aheadEntries } from './moves.js'
import type { DispatchState, Entry } from './state.js'

/** The load of one moment. */
export interface QueueLoad {
  /** How long the job that has waited longest has waited for a worker to start on it; 0 when none waits. */
  readonly waitedMs: number
  /** Workers that hold a job. */
  readonly busy: number
}

/** Looks once at each worker. Jobs that were sent ahead to a busy worker wait like those in the queue. */
export function loadOf({ queue, seats }: DispatchState, nowMs: number): QueueLoad {
  let { oldest } = queue
  let busy = 0
  for (const seat of seats.values()) {
    if (seat.held.length === 0) continue
    busy++
    oldest = older(oldest, aheadEntries(seat, 1)[0])
  }
  return { busy, waitedMs: oldest ? nowMs - oldest.job.timing.acceptedMs : 0 }
}

function older(one: Entry | undefined, other: Entry | undefined): Entry | undefined {
  if (!one || !other) return one ?? other
  return other.order < one.order ? other : one
}
