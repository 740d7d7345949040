/** A worker slot as the management API shows it. */
import type { WorkerState } from '../../worker/lifecycle.js'
import type { WorkerDescription, WorkerStatus } from '../catalog.js'
import { residentBytes } from './resident-bytes.js'

/** TorchServe knows two names; what is neither loaded nor busy is UNLOADING, whatever it does (contract scheduling §6). */
const PUBLIC_STATUS: Record<WorkerState['kind'], WorkerStatus> = {
  starting: 'UNLOADING',
  loading: 'UNLOADING',
  ready: 'READY',
  draining: 'UNLOADING',
  waiting: 'UNLOADING',
  stopped: 'UNLOADING',
}

/** What is known of a slot; `state` is undefined before its first start. */
export interface SlotFacts {
  readonly number: number
  readonly createdEpochMs: number
  readonly state: WorkerState | undefined
  /** Now, on the monotonic clock of `state`. */
  readonly nowMs: number
  /** What its GPUs do now, in words; undefined: it runs on the processor. */
  readonly gpuUsage: () => string | undefined
  /** Answered by the process that runs now. */
  readonly jobs: number
  readonly restarts: number
  readonly isGivenUp: boolean
  readonly lastFailure: WorkerDescription['lastFailure']
}

/** Describes a slot as of now. */
export function describeSlot(facts: SlotFacts): WorkerDescription {
  const { state, gpuUsage, jobs, restarts, isGivenUp, lastFailure } = facts
  const pid = state && 'pid' in state ? state.pid : -1
  const failed = state && 'failed' in state ? state.failed : undefined
  const failingSince = failed && new Date(Date.now() - (facts.nowMs - failed.sinceMs)).toISOString()
  return {
    id: String(facts.number),
    startTime: new Date(facts.createdEpochMs).toISOString(),
    status: state ? PUBLIC_STATUS[state.kind] : 'UNLOADING',
    state: state?.kind ?? 'starting',
    pid,
    usage: () => ({ memory: pid > 0 ? residentBytes(pid) : 0, gpu: gpuUsage() }),
    jobs,
    restarts,
    ...(failingSince === undefined ? {} : { failingSince }),
    isGivenUp,
    lastFailure,
  }
}
