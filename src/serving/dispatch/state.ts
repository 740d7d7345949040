/**
 * What one version's dispatcher knows: the jobs, where each of them is, and the workers; and the words in which it is
 * told of events and orders effects. Types and their constructors only; the moves are in `dispatcher.ts`.
 *
 *     accepted ─▶ queued ─▶ sent ─▶ running ─▶ streaming ─▶ settled
 *                   ▲  └──────────▶───┘ │ (an idle worker starts at once: no `sent` between)
 *                   └──── recalled, or its worker died before the first chunk
 */
import type { BodyRef, HandlerTiming, JobKey, ReplyHead, WireOutcome } from '../../protocol/messages.js'
import { PriorityQueue, type Waiting } from './priority.js'
import type { LiveJob, Outcome } from '../job.js'

/** One life of one worker process; a restarted slot gets a new number. */
export type WorkerId = number & { readonly brand: 'WorkerId' }

/** Rules of one version; times in milliseconds. */
export interface DispatchOptions {
  readonly batchSize: number
  /** Jobs that may wait: those in the queue and those sent ahead that have not started. */
  readonly queueSize: number
  /** Jobs that may be here at all, waiting or at work; infinite: no limit. */
  readonly maxJobs: number
  /** A job is taken only while a worker has a place in a batch for it. */
  readonly jobTickets: boolean
  /** Batches wait for companions, at most `maxBatchDelayMs` from the arrival of their oldest job. */
  readonly fixedBatches: boolean
  readonly maxBatchDelayMs: number
  /** Longest time without a sign of life of a started batch. */
  readonly responseTimeoutMs: number
  /** Started jobs of a dead worker are tried again. */
  readonly replayJobs: boolean
}

/** Why a worker is gone. `blame` is false where the server itself ended it, so that no job is suspected. */
export interface Death {
  readonly message: string
  readonly stderr: readonly string[]
  readonly blame: boolean
}

/** What a dispatcher is told. Events of workers that it does not know, or no longer knows, change nothing. */
export type DispatchEvent =
  | { readonly kind: 'accepted'; readonly job: LiveJob }
  /** The caller does not want the answer any more. */
  | { readonly kind: 'hung-up'; readonly key: JobKey }
  /** A worker is there, or has changed its credit. */
  | { readonly kind: 'credit'; readonly worker: WorkerId; readonly credit: number }
  | { readonly kind: 'started'; readonly worker: WorkerId; readonly keys: readonly JobKey[] }
  | { readonly kind: 'chunk'; readonly worker: WorkerId; readonly key: JobKey; readonly chunk: WireChunk }
  | {
      readonly kind: 'result'
      readonly worker: WorkerId
      readonly key: JobKey
      readonly outcome: WireOutcome
      readonly timing: HandlerTiming
    }
  /** The worker handed jobs back that it had not started. */
  | { readonly kind: 'cancelled'; readonly worker: WorkerId; readonly keys: readonly JobKey[] }
  | { readonly kind: 'died'; readonly worker: WorkerId; readonly death: Death }
  /** The worker finishes what it has started and gets nothing more; `release` follows. */
  | { readonly kind: 'retire'; readonly worker: WorkerId }
  /** No worker will ever come: everything that waits in the queue is refused. */
  | { readonly kind: 'refuse'; readonly message: string }
  | { readonly kind: 'tick' }

/** A chunk as the worker wrote it. */
export interface WireChunk {
  readonly head?: ReplyHead
  readonly body: BodyRef
}

/** How a job ends, before its body has been fetched: the worker's own answer, or the dispatcher's verdict. */
export type Ending =
  | { readonly kind: 'answered'; readonly outcome: WireOutcome }
  | Extract<Outcome, { kind: 'died' | 'timed-out' | 'cancelled' | 'refused' }>

/** What a dispatcher orders; to be performed in this order, at once. */
export type DispatchEffect =
  | {
      readonly kind: 'send'
      readonly worker: WorkerId
      readonly jobs: readonly LiveJob[]
      readonly start: boolean
    }
  | { readonly kind: 'recall'; readonly worker: WorkerId; readonly keys: readonly JobKey[] }
  | { readonly kind: 'emit'; readonly job: LiveJob; readonly chunk: WireChunk }
  | { readonly kind: 'settle'; readonly job: LiveJob; readonly ending: Ending }
  | { readonly kind: 'kill'; readonly worker: WorkerId; readonly message: string }
  /** A retiring worker holds nothing any more. */
  | { readonly kind: 'release'; readonly worker: WorkerId }
  /** Send `tick` at this time; replaces the wake-up ordered before. */
  | { readonly kind: 'wakeAt'; readonly atMs: number }

/** Jobs that a worker started together. They share one response clock. */
export interface Batch {
  readonly startedMs: number
  /** Start, last chunk or last result of any of its jobs. */
  progressMs: number
  /** Jobs at its start, and jobs without a result yet. */
  readonly size: number
  left: number
}

/** Where a job is, as far as the dispatcher has been told. */
export type Place =
  | { readonly kind: 'queued' }
  | { readonly kind: 'sent'; readonly seat: Seat; readonly recalled: boolean }
  | { readonly kind: 'running' | 'streaming'; readonly seat: Seat; readonly batch: Batch }
  /** Held by nobody: settled. */
  | { readonly kind: 'gone' }

/** A job in the dispatcher. */
export interface Entry extends Waiting<Entry> {
  readonly job: LiveJob
  place: Place
  /** The caller has its outcome. A worker may still hold the job: its place there counts until it gives it back. */
  settled: boolean
  /**
   * Whom it may share a batch with: 0 is everybody in group 0. Any other number is a group of its own, which is sent
   * only to an idle worker, as one batch, with nothing ahead: describe requests, and suspects of a worker's death.
   */
  group: number
  deathsAlone: number
}

/** A worker as the dispatcher sees it. */
export interface Seat {
  readonly worker: WorkerId
  credit: number
  /** `condemned`: a kill was ordered; it gets nothing more and its death is nobody's fault. */
  phase: 'serving' | 'retiring' | 'condemned'
  /** Jobs without result or acknowledged cancel, in the order in which they were sent. */
  readonly held: Entry[]
  /** Of these: sent, not started, not recalled. */
  ahead: number
  /** Of these: recalled without an answer yet. */
  recalled: number
  readonly batches: Batch[]
  /** A group that stands alone is at work here. */
  exclusive: boolean
}

/**
 * The state of one dispatcher. It is owned by `assign`, which updates it in place so that each event costs O(1) (plus
 * the number of workers and of the jobs that one holds, which are small); nobody else may write to it.
 *
 * What jobs pass through are arrays and linked lists, no Maps and Sets: those make a new table every few entries, and V8
 * keeps each old one, with the jobs it points at, until the next full collection (measured: 3 times the CPU time of the
 * whole request path).
 */
export interface DispatchState {
  readonly options: DispatchOptions
  readonly queue: PriorityQueue<Entry>
  /** How many jobs are not settled. Each of them is in the queue or held by a worker. */
  live: number
  readonly seats: Map<WorkerId, Seat>
  /** Serving workers with credit that hold nothing; the one that became idle last is taken first: its caches are warm. */
  readonly idle: Seat[]
  /** Unsettled jobs that were sent ahead and have not started; they count as queued. */
  aheadWaiting: number
  nextOrder: number
  nextGroup: number
  /** The wake-up that is ordered, or Infinity. */
  wakeMs: number
  /** A time before which no job's deadline passes. */
  nextDeadlineMs: number
  /** Running mean of the time that batches take; undefined before the first. */
  meanRunMs: number | undefined
  /** Running mean of the time that jobs wait until they start; undefined before the first. */
  meanQueueMs: number | undefined
}

/** One call of `assign`: what it works on, when, and what it has ordered so far. */
export interface Turn {
  readonly state: DispatchState
  readonly nowMs: number
  readonly effects: DispatchEffect[]
}

/** Place of every job in the queue. */
export const QUEUED: Place = { kind: 'queued' }
/** Place of every job that has left the dispatcher. */
export const GONE: Place = { kind: 'gone' }

/** A dispatcher without jobs and workers. */
export function createDispatchState(options: DispatchOptions): DispatchState {
  return {
    options,
    queue: new PriorityQueue(),
    live: 0,
    seats: new Map(),
    idle: [],
    aheadWaiting: 0,
    nextOrder: 1,
    nextGroup: 1,
    wakeMs: Infinity,
    nextDeadlineMs: Infinity,
    meanRunMs: undefined,
    meanQueueMs: undefined,
  }
}

/** A worker that holds nothing and has no credit yet. */
export function createSeat(worker: WorkerId): Seat {
  return {
    worker,
    credit: 0,
    phase: 'serving',
    held: [],
    ahead: 0,
    recalled: 0,
    batches: [],
    exclusive: false,
  }
}

/** Jobs that wait: in the queue, and sent ahead without having started. */
export const waitingJobs = (state: DispatchState): number => state.queue.length + state.aheadWaiting
