/** What serving tells the metrics; `server.ts` wires it to what exports them. */
import type { Refusal } from './dispatch/admission.js'
import type { UpMessage } from '../protocol/messages.js'
import type { Job, Outcome } from './job.js'

/** Receives facts as they happen. Depths of queues and states of workers are read from the catalog instead. */
export interface ServingMetrics {
  /** A request for a version that exists has arrived; it may yet be refused. */
  received(request: { model: string; requestedVersion: string | undefined }): void
  /** A request was turned away at the door. */
  refused(version: { model: string; version: string }, reason: Refusal | 'no-worker'): void
  /** A job has settled; its times are in `job.timing`. */
  observe(job: Job, outcome: Outcome): void
  /** A worker is loaded, so long after its process was started. */
  workerReady(worker: { model: string; version: string; slot: number; loadMs: number }): void
  /** A slot has ended for good; its number does not come again. */
  slotEnded(worker: { model: string; version: string; slot: number }): void
  /** A worker process ended without having been asked to. */
  workerDied(worker: { model: string; version: string }): void
  /** The load has added a worker, or made one superfluous. */
  scaled(version: { model: string; version: string }, direction: 'up' | 'down'): void
  /** A worker has been replaced because it had served long enough. */
  recycled(version: { model: string; version: string }, cause: 'jobs' | 'memory'): void
  /** What the metrics file defines for handlers: goes to the workers as it is. */
  readonly modelDefinitions?: unknown
  /** A handler's own metric. */
  fromHandler(
    source: { model: string; version: string },
    metric: Extract<UpMessage, { kind: 'metric' }>,
  ): void
}

/** Drops everything: for library calls and tests. */
export const noMetrics: ServingMetrics = {
  received: () => undefined,
  refused: () => undefined,
  observe: () => undefined,
  workerReady: () => undefined,
  slotEnded: () => undefined,
  workerDied: () => undefined,
  scaled: () => undefined,
  recycled: () => undefined,
  fromHandler: () => undefined,
}
