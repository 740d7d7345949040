/** What a version and the slots of its workers say to each other. */
import type { DownMessage, UpMessage } from '../../protocol/messages.js'
import type { StopReason } from '../../worker/lifecycle.js'
import type { WorkerDescription } from '../catalog.js'
import type { Death, WorkerId } from '../dispatch/state.js'
import type { VersionSpec } from '../version-spec.js'
import type { Placement } from './devices.js'
import type { Wear } from './recycling.js'

/** Messages of a worker that concern jobs. */
export type JobMessage = Extract<UpMessage, { kind: 'credit' | 'started' | 'cancelled' | 'chunk' | 'result' }>

/** A worker as the queue uses it. */
export interface WorkerPort {
  send(message: Extract<DownMessage, { kind: 'jobs' | 'cancel' }>): void
  /** Ends the process at once; `why` completes `killed: it …`. It is restarted like one that died. */
  kill(why: string): void
}

/** A slot of a version: one worker process after another under one number. */
export interface Slot extends WorkerPort {
  /** Shown as its id. */
  readonly number: number
  readonly placement: Placement
  /** Starts its first worker. Until then it is listed as `starting`. */
  start(): void
  /**
   * Resolves when its worker is ready for the first time. Rejects with worker-failed or worker-out-of-memory when its
   * first start fails, or it is ended before; the message says why.
   */
  readonly ready: Promise<void>
  /** It serves. */
  readonly isReady: boolean
  /** What its process has behind it; undefined while it does not serve. */
  readonly wear: Wear | undefined
  /** Its starts have failed for longer than the recovery window; it goes on trying. */
  readonly isGivenUp: boolean
  /**
   * Ends it for good: its worker finishes what it has started and stops; what is left when `atOnce` resolves is killed.
   * Resolves when no process is left.
   */
  end(reason: StopReason, atOnce: Promise<void>): Promise<void>
  describe(): WorkerDescription
}

/** Where a slot reports to. */
export interface SlotHost {
  /** A new process is loaded, warm and idle. */
  onReady(worker: WorkerId, ready: { port: WorkerPort; credit: number; slot: number; loadMs: number }): void
  onMessage(worker: WorkerId, message: JobMessage): void
  onMetric(metric: Extract<UpMessage, { kind: 'metric' }>): void
  /** Give this worker nothing more; resolves when it holds nothing. */
  onDrain(worker: WorkerId): Promise<void>
  /** A process is gone; `worker` if it had been reported as ready. `wanted`: the slot is to end. */
  onExit(exit: { worker: WorkerId | undefined; death: Death; wanted: boolean }): void
  /** The slot has moved on: after an exit it starts again, waits, or has stopped; or its recovery window has ended. */
  onMoved(): void
}

/** Makes a slot; nothing runs before its `start`. It runs where `like` does, or where it is its turn. */
export type CreateSlot = (spec: VersionSpec, host: SlotHost, like?: Slot) => Slot
