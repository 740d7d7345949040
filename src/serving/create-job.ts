/** Makes a job of a decoded request. */
import type { JobKey } from '../protocol/messages.js'
import type { InferenceRequest, LiveJob, OnChunk } from './job.js'
import { createReply } from './reply.js'

/** What a job gets beside its request. */
export interface JobOptions {
  readonly key: JobKey
  /** The version that was resolved. */
  readonly version: string
  /** Time of acceptance, monotonic. */
  readonly nowMs: number
  /** The version's own limit, from the request's arrival; infinite: none. */
  readonly clientTimeoutMs: number
  readonly onChunk?: OnChunk | undefined
  /** The reader of a streamed answer is gone or too slow. */
  readonly onLost?: (job: LiveJob, why: string) => void
}

/** A job in no queue yet; it settles through its `reply`. */
export function createJob(request: InferenceRequest, options: JobOptions): LiveJob {
  const { sink, settled } = createReply({
    onChunk: options.onChunk,
    onLost: (why) => options.onLost?.(job, why),
  })
  const job: LiveJob = {
    key: options.key,
    request,
    model: request.model,
    version: options.version,
    deadlineMs: Math.min(request.deadlineMs ?? Infinity, request.receivedMs + options.clientTimeoutMs),
    timing: {
      receivedMs: request.receivedMs,
      acceptedMs: options.nowMs,
      sentMs: 0,
      startedMs: 0,
      settledMs: 0,
      handler: undefined,
      replays: 0,
    },
    settled,
    reply: sink,
  }
  return job
}

/** Gives out keys of jobs, each once; one source for a server. */
export type KeySource = () => JobKey

/** Keys from 1 upwards. */
export function createKeySource(): KeySource {
  let last = 0
  return () => ++last as JobKey // the only maker of the brand
}
