/**
 * The messages between the server and one worker process, in either language. No I/O here; `codec.ts` turns them
 * into bytes and back. Stored samples in `test/fixtures/frames/` are the contract: the TypeScript and the Python tests
 * both read them. A change of meaning raises {@link PROTOCOL_VERSION}.
 *
 * Rules that both sides keep:
 * - The first frame of each side is `hello`; a version that differs ends the conversation, naming both versions.
 * - `credit` is the number of unsettled jobs that a worker holds at once: one batch running and one batch ahead.
 * - A worker that is free starts at once, from what has arrived, at most `batchSize` jobs, oldest first.
 * - `started` is written before the handler is called, so that a crash can be put down to the right jobs.
 *   Jobs of a frame with `start: true` (sent to an idle worker) are started on arrival and need no `started`.
 * - `cancel` is always answered: by `cancelled` for jobs that had not started, otherwise by their `result`.
 * - Each job ends in exactly one `result` or `cancelled`. Chunks come before the result and end with it.
 */

/** Raised with each change that an older peer would misread. */
export const PROTOCOL_VERSION = 1

/** Key of a job on one connection: a positive integer, never used twice by a server. */
export type JobKey = number & { readonly brand: 'JobKey' }

/** Where the bytes of a body are: in this frame, or in a file (shared memory or disk) of which they are a part. */
export type BodyRef =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  | { readonly kind: 'file'; readonly file: string; readonly offset: number; readonly bytes: number }

/** Element types of tensors, by ONNX's names. */
export type TensorType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string'

/** One named part of a request: a form field, a file, or the whole body under the name `body`. */
export interface WirePart {
  readonly name: string
  /** Media type without parameters; absent where the client gave none. */
  readonly contentType?: string
  readonly body: BodyRef
}

/** One tensor of a request or an answer, row-major, little-endian. */
export interface WireTensor {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly number[]
  readonly body: BodyRef
}

/** What a job carries: the parts of a request, or tensors. */
export type WireInput =
  | { readonly kind: 'parts'; readonly parts: readonly WirePart[] }
  | { readonly kind: 'tensors'; readonly tensors: readonly WireTensor[] }

/** What a handler is asked to do with a job. */
export type Operation = 'predict' | 'explain' | 'describe'

/** One job as it goes to a worker. */
export interface WireJob {
  readonly key: JobKey
  /** The request id (`x-request-id`). */
  readonly id: string
  readonly operation: Operation
  /** Request headers in the client's spelling; of a repeated header the last value. */
  readonly headers: Readonly<Record<string, string>>
  readonly sequenceId?: string
  readonly input: WireInput
}

/** What a worker has to load, once, after `hello`. */
export interface LoadMessage {
  readonly kind: 'load'
  readonly model: string
  readonly version: string
  /** Writable folder of this generation: the unpacked archive, or the user's own folder. */
  readonly modelDir: string
  /** `manifest.model.handler` as written, or as overridden at registration: `handler.js`, `handler.py:fn`, `onnx`… */
  readonly handler: string
  readonly batchSize: number
  /** Threads that native code of this worker may use. */
  readonly threads: number
  /** `cpu` or `cuda:0`… */
  readonly device: string
  /** After an exception on a batch, run its jobs again one by one inside the worker. */
  readonly retryItems: boolean
  /** Python handlers keep Pillow's bound on the pixels of a picture; absent: true. */
  readonly limitMaxImagePixels?: boolean
  /** Envelope around a Python handler: `body`, `json`, `kserve`, `kservev2`; absent: none. */
  readonly envelope?: string
  /** A Python handler imports the `ts` of an installed torchserve; absent: Marina's own. */
  readonly installedTs?: boolean
  /** Quietest records that a Python handler's loggers let through; absent: `info`. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /** Metrics that are defined for handlers; Python handlers' own are checked against them. */
  readonly metrics?: unknown
  /** The model's YAML as the server read it; absent where it has none. Python reads the file itself where it has PyYAML. */
  readonly modelConfig?: unknown
}

/** Server to worker. */
export type DownMessage =
  | { readonly kind: 'hello'; readonly version: number }
  | LoadMessage
  | { readonly kind: 'jobs'; readonly start: boolean; readonly jobs: readonly WireJob[] }
  | { readonly kind: 'cancel'; readonly keys: readonly JobKey[] }
  /** Finish what has started, hand back the rest as `cancelled`, flush, exit 0. */
  | { readonly kind: 'stop' }

/** Time spent in each phase of a handler for the batch this job was in, in microseconds. */
export interface HandlerTiming {
  readonly preprocessUs: number
  readonly inferenceUs: number
  readonly postprocessUs: number
  /** Jobs in the batch. */
  readonly batch: number
}

/** Why a worker could not answer a job. */
export type FailureReason =
  /** The handler said so for this job (`failure(status, text)`); `status` is the handler's. */
  | 'rejected'
  /** The handler threw. */
  | 'exception'
  /** Not a list, a list of the wrong length, or a value that cannot be written. */
  | 'invalid-output'
  | 'out-of-memory'

/** How a job ended in the worker. */
export type WireOutcome =
  | {
      readonly kind: 'ok'
      readonly status: number
      /** Reason phrase of the status, where the handler set one. */
      readonly phrase?: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: BodyRef
    }
  | {
      readonly kind: 'failed'
      readonly reason: FailureReason
      readonly status: number
      readonly message: string
      /** `file:line` of the user's code where it is known, and the stack: for the log and for describe. */
      readonly where?: string
      readonly trace?: string
    }

/** What stands before the first piece of a streamed answer. */
export interface ReplyHead {
  readonly status: number
  readonly phrase?: string
  readonly headers: Readonly<Record<string, string>>
}

/** Worker to server. */
export type UpMessage =
  | {
      readonly kind: 'hello'
      readonly version: number
      readonly pid: number
      /** `node 20.20.2`, `python 3.11.7`. */
      readonly runtime: string
    }
  | { readonly kind: 'loaded'; readonly credit: number }
  | {
      readonly kind: 'load-failed'
      readonly message: string
      readonly trace?: string
      readonly outOfMemory: boolean
    }
  | { readonly kind: 'credit'; readonly credit: number }
  | { readonly kind: 'started'; readonly keys: readonly JobKey[] }
  | { readonly kind: 'cancelled'; readonly keys: readonly JobKey[] }
  /** One piece of a streamed answer; status and headers stand in the first one. */
  | {
      readonly kind: 'chunk'
      readonly key: JobKey
      readonly head?: ReplyHead
      readonly body: BodyRef
    }
  | {
      readonly kind: 'result'
      readonly key: JobKey
      readonly outcome: WireOutcome
      readonly timing: HandlerTiming
    }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly message: string
      readonly id?: string
    }
  | {
      readonly kind: 'metric'
      readonly name: string
      /** Absent only of a line that a handler printed. */
      readonly type?: 'counter' | 'gauge' | 'histogram'
      readonly value: number
      readonly unit: string
      readonly labels: Readonly<Record<string, string>>
      /** The requests that it was measured for, with commas between them. */
      readonly id?: string
      /** The host that a printed line names. */
      readonly host?: string
    }

/** The number that stands for each kind in a frame's first four bytes. */
export const frameKinds = {
  down: { hello: 1, load: 2, jobs: 3, cancel: 4, stop: 5 },
  up: {
    hello: 17,
    loaded: 18,
    'load-failed': 19,
    credit: 20,
    started: 21,
    cancelled: 22,
    chunk: 23,
    result: 24,
    log: 25,
    metric: 26,
  },
} as const satisfies {
  down: Record<DownMessage['kind'], number>
  up: Record<UpMessage['kind'], number>
}
