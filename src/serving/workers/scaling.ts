/**
 * How many workers a version should have, between its least and its most: a pure function of what was seen so far and of
 * one look at the version, made every half second.
 *
 *     one more    jobs have waited longer than the rules allow, at two looks in a row, and all workers are ready
 *     one fewer   for the whole cool-down nothing waited so long, and one fewer would have been busy 70 % of the time at most
 *
 * Between the two lies a wide gap, so that a steady load is not answered by now one and now the other. While a worker
 * starts nothing is judged, and both cool-downs begin when all are ready: what a new worker changes must be seen first.
 */
import type { ScalingRules } from '../../config/worker-life.js'

/** One look at a version. */
export interface ScalingLook {
  readonly workers: number
  /** No worker starts, restarts or fails. */
  readonly allReady: boolean
  /** How long the job that has waited longest has waited for a worker. */
  readonly waitedMs: number
  /** Workers with a job. */
  readonly busy: number
}

/** What has been seen since all workers were ready. */
export type ScalingState =
  | { readonly kind: 'unsettled' }
  | {
      readonly kind: 'watching'
      readonly sinceMs: number
      /** Looks in a row at which a job had waited too long. */
      readonly late: number
      readonly calm: CalmTime
    }

/** A time in which nothing has waited too long. */
export interface CalmTime {
  readonly sinceMs: number
  readonly looks: number
  /** Summed over the looks. */
  readonly busy: number
}

/** The state after a look, and what is to be done. `why` completes "scaled from 1 to 2 workers: ". */
export interface ScalingMove {
  readonly state: ScalingState
  readonly change?: { readonly workers: number; readonly why: string }
}

/** What the decision is made by; times on the monotonic clock. */
export interface ScalingContext {
  readonly rules: ScalingRules
  readonly limits: { readonly min: number; readonly max: number }
  readonly nowMs: number
}

/** Before the first look. */
export const UNSETTLED: ScalingState = { kind: 'unsettled' }

const LATE_LOOKS = 2
/** Share of time that workers may be busy once there is one fewer: above it they would soon be too few again. */
const BUSY_AT_MOST = 0.7

/** Decides after one look. Never about the last worker: without one, requests are refused. */
export function decideScaling(
  state: ScalingState,
  look: ScalingLook,
  { rules, limits, nowMs }: ScalingContext,
): ScalingMove {
  if (!look.allReady || look.workers === 0) return { state: UNSETTLED }
  const fresh = { sinceMs: nowMs, looks: 0, busy: 0 }
  const last = state.kind === 'watching' ? state : { sinceMs: nowMs, late: 0, calm: fresh }
  const isLate = look.waitedMs > rules.queueTimeMs
  const late = isLate ? last.late + 1 : 0
  const calm = isLate ? fresh : { ...last.calm, looks: last.calm.looks + 1, busy: last.calm.busy + look.busy }
  const watching: ScalingState = { kind: 'watching', sinceMs: last.sinceMs, late, calm }

  const mayGrow = look.workers < limits.max && nowMs - last.sinceMs >= rules.upCooldownMs
  if (late >= LATE_LOOKS && mayGrow) {
    const why = `a job has waited ${Math.round(look.waitedMs)} ms for a worker, more than ${rules.queueTimeMs} ms`
    return { state: UNSETTLED, change: { workers: look.workers + 1, why } }
  }
  if (nowMs - calm.sinceMs < rules.downCooldownMs) return { state: watching }
  const busy = calm.busy / Math.max(1, calm.looks)
  const mayShrink = look.workers > Math.max(1, limits.min) && busy <= BUSY_AT_MOST * (look.workers - 1)
  if (!mayShrink) return { state: { ...watching, calm: fresh } }
  const time = `${Math.round((nowMs - calm.sinceMs) / 1000)} s`
  const why = `in ${time} nothing waited long, and ${busy.toFixed(1)} of ${look.workers} workers were busy on average`
  return { state: UNSETTLED, change: { workers: look.workers - 1, why } }
}
