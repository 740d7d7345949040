/** One worker as the serving side sees it: started by a factory that is an argument, so that tests bring their own. */
import type { DownMessage, LoadMessage, UpMessage } from '../protocol/messages.js'

/** What is to be started. */
export interface WorkerSpec {
  /** Number of the slot: upwards from `initial_worker_port`, shown as `workers[].id`, never reused. */
  readonly slot: number
  readonly runtime: 'node' | 'python'
  readonly load: Omit<LoadMessage, 'kind'>
  /** The only GPUs that it sees, as CUDA_VISIBLE_DEVICES lists them; absent: those of the server. */
  readonly visibleGpus?: string
  /** The interpreter, where the model has one of its own. */
  readonly python?: string
  /** Forked from a parent that has loaded the model, where that can be: Python on the processor. Default false. */
  readonly preload?: boolean
}

/** Why a worker process is gone. */
export interface WorkerExit {
  /** Exit code, or absent when a signal ended it or it never started. */
  readonly code?: number
  readonly signal?: string
  /** The sentence for people: `killed by SIGKILL`, `exited with code 1 while loading`, `could not be started: …`. */
  readonly message: string
  /** The last lines of its stderr, oldest first. */
  readonly stderr: readonly string[]
}

/** What a worker reports; `exited` comes exactly once, last, after all messages that were received before the end. */
export type WorkerEvent =
  | { readonly kind: 'spawned'; readonly pid: number }
  | { readonly kind: 'message'; readonly message: Exclude<UpMessage, { kind: 'hello' }> }
  | { readonly kind: 'exited'; readonly exit: WorkerExit }

/** A started worker. After `exited` all methods do nothing. */
export interface Worker {
  /** Frames sent in one turn of the event loop leave in one write. */
  send(message: Exclude<DownMessage, { kind: 'hello' | 'load' }>): void
  /** True while the socket's buffer is over its limit; job bodies are then worth holding back. */
  readonly congested: boolean
  /** SIGKILL. `exited` follows. */
  kill(): void
}

/** Starts a worker: spawns it, says `hello`, sends `load`. Never throws; what goes wrong arrives as `exited`. */
export type WorkerFactory = (spec: WorkerSpec, onEvent: (event: WorkerEvent) => void) => Worker
