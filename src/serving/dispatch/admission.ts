/** Whether a version takes one more job, and how long whoever is refused should wait before asking again. */
import { loadOf } from './load.js'
import { waitingJobs, type DispatchState } from './state.js'

/** Why a job is not taken. */
export type Refusal = 'queue-full' | 'job-limit' | 'no-ticket'

/** Why the next job is to be refused; undefined: it is to be accepted. */
export function refusalOf(state: DispatchState): Refusal | undefined {
  const { queueSize, maxJobs, jobTickets, fixedBatches } = state.options
  if (jobTickets && state.live >= batchPlaces(state)) return 'no-ticket'
  if (state.live >= maxJobs) return 'job-limit'
  // An idle worker takes a job even where nothing may wait.
  const wouldWait = fixedBatches || state.idle.length === 0
  return wouldWait && waitingJobs(state) >= queueSize ? 'queue-full' : undefined
}

/**
 * Jobs that the workers which serve can have in one batch each: the tickets. They are counted anew each time, since a
 * counter that goes up with each idle worker, as TorchServe's, drifts when workers die (contract scheduling §12, W9).
 */
function batchPlaces({ seats, options }: DispatchState): number {
  let places = 0
  for (const seat of seats.values()) if (seat.phase === 'serving') places += options.batchSize
  return places
}

/**
 * How long jobs wait here until they start, in milliseconds, as far as it has been seen: the mean of those that started
 * lately, or the age of the oldest that waits, where that is more.
 */
export const queueTimeMs = (state: DispatchState, nowMs: number): number =>
  Math.max(state.meanQueueMs ?? 0, loadOf(state, nowMs).waitedMs)
