/** What a load under faults came to: counted answer by answer, as values. */

/** How one request ended: answered as it should be, or lost for a reason such as `503 ServiceUnavailable` or `ECONNRESET`. */
export type Ended = { readonly kind: 'answered' } | { readonly kind: 'failed'; readonly why: string }

/** Counts of the requests of one model. */
export interface Tally {
  readonly sent: number
  readonly answered: number
  /** Requests by why they failed. */
  readonly failed: Readonly<Record<string, number>>
  /** Of all requests that ended, the longest time from being sent to its end, in milliseconds. */
  readonly longestStallMs: number
  /** When that one ended, in milliseconds after the start of the load. */
  readonly stalledAtMs: number
  /** Attempts beyond the first, where the client retries. */
  readonly retries: number
}

/** Nothing sent yet. */
export const emptyTally: Tally = {
  sent: 0,
  answered: 0,
  failed: {},
  longestStallMs: 0,
  stalledAtMs: 0,
  retries: 0,
}

/** One more request is on its way. */
export const countSent = (tally: Tally): Tally => ({ ...tally, sent: tally.sent + 1 })

/** A request has ended after `tookMs`, `atMs` after the start of the load. */
export function countEnded(
  tally: Tally,
  ended: Ended & { readonly tookMs: number; readonly atMs: number; readonly retries?: number },
): Tally {
  const next = {
    ...longerStall(tally, { longestStallMs: ended.tookMs, stalledAtMs: ended.atMs }),
    retries: tally.retries + (ended.retries ?? 0),
  }
  if (ended.kind === 'answered') return { ...next, answered: tally.answered + 1 }
  return { ...next, failed: { ...tally.failed, [ended.why]: (tally.failed[ended.why] ?? 0) + 1 } }
}

type Stall = Pick<Tally, 'longestStallMs' | 'stalledAtMs'>

const longerStall = (tally: Tally, { longestStallMs, stalledAtMs }: Stall): Tally =>
  longestStallMs > tally.longestStallMs ? { ...tally, longestStallMs, stalledAtMs } : tally

/** Requests that were sent and not answered, for whatever reason; one without any end counts. */
export const lostOf = ({ sent, answered }: Tally): number => sent - answered

/** All tallies as one. */
export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, tally) => {
    const failed = { ...sum.failed }
    for (const [why, count] of Object.entries(tally.failed)) failed[why] = (failed[why] ?? 0) + count
    return {
      ...longerStall(sum, tally),
      sent: sum.sent + tally.sent,
      answered: sum.answered + tally.answered,
      failed,
      retries: sum.retries + tally.retries,
    }
  }, emptyTally)
}
