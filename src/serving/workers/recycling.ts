/**
 * When a worker has served long enough: a pure function of what it has done and of what it has grown to. Its replacement
 * comes up first, and then it finishes what it has; no request notices.
 */
import type { RecyclingRules } from '../../config/worker-life.js'

/** What a ready worker has behind it; times on the monotonic clock. */
export interface Wear {
  readonly pid: number
  /** Jobs that it has answered. */
  readonly jobs: number
  readonly startedMs: number
  readonly readyMs: number
  /** Resident bytes when it became ready; 0 where they were not looked at. */
  readonly readyBytes: number
}

/** Why a worker is to be replaced. `why` completes "worker 9000 is replaced: it has …". */
export interface RecycleCause {
  readonly kind: 'jobs' | 'memory'
  readonly why: string
}

/** What the decision is made by. */
export interface RecycleContext {
  readonly rules: RecyclingRules
  /** Resident bytes; undefined where they were not looked at, or cannot be. */
  readonly residentBytes: number | undefined
  readonly nowMs: number
}

/**
 * A worker serves at least four times as long as it took to start: with bounds that it passes at once, workers would do
 * little but start. One that grows so fast that it has twice its bound by then does not get that time.
 */
const LEAST_LIFE_STARTS = 4
const FAST_GROWTH = 2
/** A model that needs more than its bound from the start may grow by a quarter. */
const GROWTH_AT_LEAST = 1.25

/** Above how many bytes a worker is replaced. */
export const boundOf = ({ readyBytes }: Pick<Wear, 'readyBytes'>, { aboveBytes }: RecyclingRules): number =>
  Math.max(aboveBytes, GROWTH_AT_LEAST * readyBytes)

/** Undefined while it may go on. */
export function causeToRecycle(
  wear: Wear,
  { rules, residentBytes = 0, nowMs }: RecycleContext,
): RecycleCause | undefined {
  const lifeMs = nowMs - wear.readyMs
  const isYoung = lifeMs < LEAST_LIFE_STARTS * (wear.readyMs - wear.startedMs)
  const after = `after ${Math.round(lifeMs / 1000)} s`
  if (!isYoung && rules.afterJobs > 0 && wear.jobs >= rules.afterJobs)
    return { kind: 'jobs', why: `it has answered ${wear.jobs} of ${rules.afterJobs} jobs ${after}` }
  const bound = boundOf(wear, rules)
  if (rules.aboveBytes > 0 && residentBytes > bound * (isYoung ? FAST_GROWTH : 1))
    return { kind: 'memory', why: `it has grown to ${mib(residentBytes)} of ${mib(bound)} MiB ${after}` }
  return undefined
}

/** Mebibytes, in whole numbers. */
export const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
