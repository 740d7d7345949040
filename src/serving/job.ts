/** A job: one request waiting or running. */
import type { Priority } from './dispatch/priority.js'
import type { HandlerTiming, JobKey, Operation, ReplyHead, WireInput } from '../protocol/messages.js'

/**
 * Says that a caller has hung up. Every `AbortSignal` is one; a transport may bring something lighter, since Node's costs
 * several microseconds of each request.
 */
export interface HangUp {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** What a transport hands over: a decoded request. */
export interface InferenceRequest {
  readonly id: string
  readonly model: string
  /** Undefined: the default version. */
  readonly version: string | undefined
  readonly operation: Operation
  readonly headers: Readonly<Record<string, string>>
  readonly input: WireInput
  /** Aborted when the caller hangs up. */
  readonly signal: HangUp
  /** Milliseconds on the clock after which the caller does not want the answer; undefined: it does not say. */
  readonly deadlineMs?: number
  /** Undefined: normal. */
  readonly priority?: Priority
  readonly sequenceId?: string
  /** When decoding began and ended, on the clock: the start of the timing record. */
  readonly receivedMs: number
}

/** Times of one job, all on the same monotonic clock, filled in as it passes. */
export interface Timing {
  readonly receivedMs: number
  /** Decoded and accepted into a queue. */
  readonly acceptedMs: number
  /** Last written to a worker, and last known to be at work there; 0 until then. */
  sentMs: number
  startedMs: number
  settledMs: number
  /** What the worker measured. */
  handler: HandlerTiming | undefined
  /** How often this job was tried again after a worker's death. */
  replays: number
}

/** One piece of a streamed answer. */
export interface Chunk {
  readonly head?: ReplyHead
  readonly data: Uint8Array
}

/** How a job ends: a value, never a throw. `streamed` says that all its chunks have been emitted. */
export type Outcome =
  | {
      readonly kind: 'ok'
      readonly status: number
      /** Reason phrase of the status, where the handler set one. */
      readonly phrase?: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: Uint8Array
    }
  | { readonly kind: 'streamed' }
  | {
      readonly kind: 'failed'
      /** See `WireOutcome`; `rejected` keeps the handler's status and text as the body. */
      readonly reason: 'rejected' | 'exception' | 'invalid-output' | 'out-of-memory'
      readonly status: number
      readonly message: string
      readonly where?: string
      readonly trace?: string
    }
  /** Its worker died with it, alone, for the second time; or replay is off. */
  | { readonly kind: 'died'; readonly message: string; readonly stderr: readonly string[] }
  /** Its deadline passed while it waited, or while it ran; or its worker gave no sign of life for too long. */
  | { readonly kind: 'timed-out'; readonly phase: 'queue' | 'running' | 'response' }
  /** Its caller hung up; `place` is where the job was then. */
  | { readonly kind: 'cancelled'; readonly place: 'queued' | 'sent' | 'running' | 'streaming' }
  /** The model went away (unregistered, scaled to nothing, server stopping) before the job could start. */
  | { readonly kind: 'refused'; readonly message: string }

/** A job as its queue and its transport hold it; settles once. */
export interface Job {
  readonly key: JobKey
  readonly request: InferenceRequest
  readonly model: string
  /** The version that was resolved. */
  readonly version: string
  /** When nobody wants the answer any more, on the clock; infinite: never. */
  readonly deadlineMs: number
  readonly timing: Timing
  readonly settled: Promise<Outcome>
}

/**
 * Takes one piece of a streamed answer. The next piece comes when the returned promise resolves, so a slow reader slows
 * its own stream only; a rejection means that the reader is gone.
 */
export type OnChunk = (chunk: Chunk) => void | Promise<void>

/** How a request ended, with the job that it became: its resolved version and its times. */
export interface Answer {
  readonly job: Job
  readonly outcome: Outcome
}

/**
 * The request path as transports see it (`infer.ts`). Rejects with model-not-found, version-not-found, no-worker or
 * queue-full; everything later is an {@link Outcome}. Without `onChunk` a streamed answer is joined to one `ok`.
 */
export type Infer = (request: InferenceRequest, onChunk?: OnChunk) => Promise<Answer>

/** A job with the way back to its caller, as its version holds it. */
export interface LiveJob extends Job {
  readonly reply: ReplySink
}

/** Where the answer of one job goes; made by `createReply`. */
export interface ReplySink {
  /** One piece of a streamed answer, in order. */
  chunk(chunk: Chunk | Promise<Chunk>): void
  /** The end; what comes after it is ignored. The job's `settled` follows when the caller has taken all pieces. */
  settle(outcome: Outcome | Promise<Outcome>): void
}
