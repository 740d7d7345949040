/** Two headers by which a client says how soon it wants its answer. TorchServe has neither. */
import { badRequest } from '../errors.js'
import { PRIORITIES, type Priority } from '../serving/dispatch/priority.js'

/** `high`, `normal` (the default) or `low`: who goes first where requests wait. */
export const PRIORITY_HEADER = 'x-request-priority'
/** Milliseconds from the arrival of the request after which its answer is not wanted any more. */
export const TIMEOUT_HEADER = 'x-request-timeout-ms'

/** What the two headers say; undefined: nothing. */
export interface Urgency {
  readonly priority: string | undefined
  readonly timeout: string | undefined
}

/** A request's priority and deadline, as the serving side takes them. */
export interface JobUrgency {
  readonly priority?: Priority
  readonly deadlineMs?: number
}

/**
 * Reads the headers of a request that arrived at `receivedMs`. With `strict` a value that is none is refused with
 * bad-request; else it counts as absent, as it does for TorchServe.
 */
export function urgencyOf(
  { priority, timeout }: Urgency,
  { receivedMs, strict }: { receivedMs: number; strict: boolean },
): JobUrgency {
  const level = PRIORITIES.find((known) => known === priority?.trim().toLowerCase())
  if (strict && priority !== undefined && level === undefined)
    throw badRequest(
      `The header ${PRIORITY_HEADER} must be one of ${PRIORITIES.join(', ')}, not ${JSON.stringify(priority)}.`,
    )
  const ms = /^\d{1,12}$/.test(timeout?.trim() ?? '') ? Number(timeout) : undefined
  if (strict && timeout !== undefined && ms === undefined)
    throw badRequest(
      `The header ${TIMEOUT_HEADER} must be a whole number of milliseconds, not ${JSON.stringify(timeout)}.`,
    )
  return {
    ...(level === undefined ? {} : { priority: level }),
    ...(ms === undefined ? {} : { deadlineMs: receivedMs + ms }),
  }
}
