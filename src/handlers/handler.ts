/** The contract between a TypeScript handler and the worker that runs it. */
import type { Operation, TensorType } from '../protocol/messages.js'

export type { Operation, TensorType }

/** Values of a tensor: the typed array of its type; `bool` and `uint8` share one, strings are an array. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[]

/** A named tensor, row-major. `data.length` is the product of `shape`. */
export interface Tensor {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** One part of a request: a form field, a file, or the whole body under the name `body`. */
export interface Part {
  readonly name: string
  /** Media type without parameters, or undefined where the client gave none. */
  readonly contentType: string | undefined
  /** The bytes as they came; valid until the job is answered. */
  readonly data: Uint8Array
}

/** What a job carries. */
export type Input =
  | { readonly kind: 'parts'; readonly parts: readonly Part[] }
  | { readonly kind: 'tensors'; readonly tensors: readonly Tensor[] }

/** One request as a handler sees it. */
export interface Job {
  /** The request id, as in the `x-request-id` header of the answer. */
  readonly id: string
  readonly input: Input
  /** Request headers in the client's spelling. `header(job, name)` looks one up in any case. */
  readonly headers: Readonly<Record<string, string>>
  readonly operation: Operation
  readonly sequenceId: string | undefined
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** One job's failure as a value: that job alone is answered with `status` and `text`. Made by {@link failure}. */
export interface Failure {
  readonly failure: true
  readonly status: number
  readonly text: string
}

/** Fails one job of a batch: `return failure(400, 'not an image')`. The others go on. `status` is 400–599. */
export function failure(status: number, text: string): Failure {
  return { failure: true, status, text }
}

/** True for what {@link failure} made; JSON that happens to say `failure: true` is none. */
export function isFailure(value: unknown): value is Failure {
  return (
    typeof value === 'object' &&
    value !== null &&
    'failure' in value &&
    value.failure === true &&
    'status' in value &&
    'text' in value
  )
}

/** Anything that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** The body of an answer: bytes as they are, text as UTF-8, anything else as JSON. */
export type ReplyBody = Uint8Array | string | Json

/** An answer with its own status, headers or content type. Made by {@link reply}. */
export interface FullReply {
  readonly reply: true
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReplyBody | AsyncIterable<ReplyBody>
}

/** One job's answer. An async iterable is streamed, one HTTP chunk for each element. */
export type Reply = ReplyBody | AsyncIterable<ReplyBody> | FullReply

/** Answers with a status, headers or a content type of the handler's own. */
export function reply(
  body: FullReply['body'],
  options: { status?: number; headers?: Readonly<Record<string, string>>; contentType?: string } = {},
): FullReply {
  const headers = {
    ...options.headers,
    ...(options.contentType ? { 'content-type': options.contentType } : {}),
  }
  return { reply: true, status: options.status ?? 200, headers, body }
}

/** A row for each job, in order; a {@link Failure} in a row ends that job. */
export type Rows<T> = readonly (T | Failure)[] | Promise<readonly (T | Failure)[]>

/** What a handler is told when it is loaded. */
export interface Context {
  readonly model: string
  readonly version: string
  /** Folder of the unpacked archive; the handler may write there. */
  readonly modelDir: string
  /** The parsed `MAR-INF/MANIFEST.json`. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Threads that native code may use here. */
  readonly threads: number
  /** `cpu` or `cuda:0`… */
  readonly device: string
  readonly batchSize: number
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string): void
  metric(
    name: string,
    value: number,
    options?: {
      type?: 'counter' | 'gauge' | 'histogram'
      unit?: string
      labels?: Readonly<Record<string, string>>
    },
  ): void
}

/** What one job did in a step of continuous batching: a piece of its answer, and whether that was the last. */
export interface Step {
  readonly chunk?: ReplyBody
  readonly done: boolean
}

/**
 * User code. All functions are optional but one that does the work; those that are absent pass their rows on.
 * `preprocess` gets the jobs of a batch, `inference` the rows that did not fail, `postprocess` what `inference` made.
 */
export interface Handler<State = unknown, In = unknown, Out = unknown> {
  /** Runs once before the first job; what it returns is the state. A throw fails the load. */
  initialize?(context: Context): State | Promise<State>
  /** Frees what `initialize` made; runs once, after the last job. */
  dispose?(state: State): void | Promise<void>
  preprocess?(jobs: readonly Job[], state: State): Rows<In>
  inference?(rows: readonly In[], state: State, jobs: readonly Job[]): Rows<Out>
  postprocess?(rows: readonly Out[], state: State, jobs: readonly Job[]): Rows<Reply>
  /** Continuous batching: called again and again with the jobs that are not done. */
  step?(active: readonly Job[], state: State): Rows<Step>
}

/** Types a handler from end to end: `export default defineHandler({ initialize, preprocess, … })`. */
export function defineHandler<State, In, Out>(handler: Handler<State, In, Out>): Handler<State, In, Out> {
  return handler
}

/** The first part named `data` or `body`, else the only part; undefined where there is none (as TorchServe's handlers look). */
export function mainPart(job: Job): Part | undefined {
  if (job.input.kind !== 'parts') return undefined
  const { parts } = job.input
  return (
    parts.find((part) => part.name === 'data') ??
    parts.find((part) => part.name === 'body') ??
    (parts.length === 1 ? parts[0] : undefined)
  )
}

/** A request header by its name in any case; undefined where the client sent none. */
export function header(job: Job, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.entries(job.headers).find(([known]) => known.toLowerCase() === wanted)?.[1]
}
