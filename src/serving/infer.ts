/**
 * The way of a request, whole: a transport decodes, calls `infer`, and encodes what it resolves to.
 *
 *     resolve   the model's route names the version, by name or by default     model-not-found, version-not-found
 *     received  it is counted, whether or not it is then refused
 *     createJob the request gets a key and a record of its times
 *     accept    the version's dispatcher queues it, or it starts at once       no-worker, queue-full
 *     settled   a worker has answered, or the dispatcher has given its verdict: an Outcome, never a throw
 *     observe   the times go to the metrics
 */
import type { Clock } from '../clock.js'
import { createJob, type KeySource } from './create-job.js'
import type { Infer, LiveJob } from './job.js'
import type { ServingMetrics } from './metrics.js'
import type { Registry } from './registry.js'

/** A version as the request path sees it. */
export interface Acceptor {
  readonly version: string
  /** Time that a client waits for an answer; infinite: as long as it takes. */
  readonly clientTimeoutMs: number
  /** Takes over the job until it settles. Throws no-worker and queue-full. */
  accept(job: LiveJob): void
  /** The job's reader does not read: nobody wants the rest of the answer. */
  giveUp(job: LiveJob, why: string): void
}

/** What the request path needs. */
export interface InferDeps {
  readonly registry: Pick<Registry<Acceptor>, 'resolve'>
  readonly clock: Clock
  readonly metrics: ServingMetrics
  readonly nextKey: KeySource
}

/** Makes the one function through which every transport's requests go. */
export function createInfer({ registry, clock, metrics, nextKey }: InferDeps): Infer {
  return async (request, onChunk) => {
    const { primary } = registry.resolve(request.model, request.version)
    metrics.received({ model: request.model, requestedVersion: request.version })
    const job = createJob(request, {
      key: nextKey(),
      version: primary.version,
      nowMs: clock.nowMs(),
      clientTimeoutMs: primary.clientTimeoutMs,
      onChunk,
      onLost: (lost, why) => primary.giveUp(lost, why),
    })
    primary.accept(job)
    const outcome = await job.settled
    metrics.observe(job, outcome)
    return { job, outcome }
  }
}
