/**
 * What becomes of the jobs of a dead worker.
 *
 * Jobs that had not started go back to the queue: they did nothing. Started ones are suspects. A batch that kills is
 * split when it is tried again, until the poison stands alone: a death in company only splits, a job fails at its
 * second death alone. Not tried again: an answer whose first chunk is out, a job of a stateful sequence, and any
 * started job of a version declared non-repeatable.
 */
import { letGo, refreshIdle, requeue, settle } from './moves.js'
import type { Death, DispatchState, Entry, Seat, Turn } from './state.js'

/** Deaths alone after which a job is given up. */
const DEATHS_ALONE = 2

/** Takes a dead worker out of the dispatcher and decides about each job it held. */
export function bury(turn: Turn, seat: Seat, death: Death): void {
  const { state } = turn
  const entries = [...seat.held]
  const started = entries.filter((entry) => entry.place.kind !== 'sent' && !entry.settled)
  const repeatable = new Set(started.filter((entry) => isRepeatable(state, entry)))
  const lost = new Set(started.filter((entry) => !repeatable.has(entry)))
  const suspected = death.blame && seat.phase !== 'condemned'
  // Companions that have already been answered may be the guilty ones, so they count as company.
  const alone = seat.batches.reduce((sum, batch) => sum + batch.size, 0) === 1
  state.seats.delete(seat.worker)
  seat.phase = 'condemned'
  refreshIdle(state, seat)
  for (const entry of entries) letGo(turn, seat, entry)
  if (suspected) suspect(state, [...repeatable], alone)
  for (const entry of entries) {
    if (entry.settled) continue
    if (lost.has(entry) || entry.deathsAlone >= DEATHS_ALONE) {
      settle(turn, entry, { kind: 'died', message: death.message, stderr: death.stderr })
    } else {
      if (repeatable.has(entry)) entry.job.timing.replays++
      requeue(turn, entry)
    }
  }
}

/** Two groups of half the size each, which will not meet again; or a mark on the one that was alone. */
function suspect(state: DispatchState, entries: readonly Entry[], alone: boolean): void {
  const half = Math.ceil(entries.length / 2)
  const [first, second] = [state.nextGroup++, state.nextGroup++]
  entries.forEach((entry, at) => {
    entry.group = at < half ? first : second
    if (alone) entry.deathsAlone++
  })
}

const isRepeatable = (state: DispatchState, { place, job }: Entry): boolean =>
  state.options.replayJobs && place.kind === 'running' && job.request.sequenceId === undefined
