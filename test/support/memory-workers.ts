/** Workers without processes, for tests of the serving side: a test decides what each of them says, and when. */
import type { DownMessage, JobKey, UpMessage, WireJob, WireOutcome } from '../../src/protocol/messages.js'
import type { Worker, WorkerEvent, WorkerFactory, WorkerSpec } from '../../src/worker/worker.js'

const NO_TIME = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: 1 }

/** The outcome of a job that was answered with `text`. */
export const textOutcome = (text: string): WireOutcome => ({
  kind: 'ok',
  status: 200,
  headers: {},
  body: { kind: 'inline', data: new TextEncoder().encode(text) },
})

/** What a memory worker does by itself. `manual` says nothing; the others load at once. */
export type Behaviour =
  | 'manual'
  /** Loads, and then waits for the test to answer. */
  | 'loads'
  /** Loads, and answers each job with `answer`, by default its request id. */
  | 'answers'
  /** Reports `load-failed` and exits. */
  | 'fails'

/** One worker that a factory has started. */
export class MemoryWorker implements Worker {
  readonly spec: WorkerSpec
  readonly pid: number
  readonly congested = false
  readonly received: DownMessage[] = []
  alive = true
  readonly #onEvent: (event: WorkerEvent) => void
  readonly #options: MemoryOptions

  constructor(
    spec: WorkerSpec,
    { onEvent, pid, options }: { onEvent: (event: WorkerEvent) => void; pid: number; options: MemoryOptions },
  ) {
    this.spec = spec
    this.pid = pid
    this.#onEvent = onEvent
    this.#options = options
    queueMicrotask(() => this.#begin())
  }

  send(message: Exclude<DownMessage, { kind: 'hello' | 'load' }>): void {
    if (!this.alive) return
    this.received.push(message)
    if (message.kind === 'stop') queueMicrotask(() => this.exit({ code: 0 }))
    if (message.kind === 'jobs' && this.#options.behaviour(this.spec) === 'answers') {
      queueMicrotask(() => message.jobs.forEach((job) => this.answer(job.key, this.#options.answer(job))))
    }
  }

  kill(): void {
    queueMicrotask(() => this.exit({ signal: 'SIGKILL' }))
  }

  /** Jobs as they came, the oldest first. */
  get jobs(): WireJob[] {
    return this.received.flatMap((message) => (message.kind === 'jobs' ? message.jobs : []))
  }

  say(message: Exclude<UpMessage, { kind: 'hello' }>): void {
    if (this.alive) this.#onEvent({ kind: 'message', message })
  }

  answer(key: JobKey, outcome = textOutcome('')): void {
    this.say({ kind: 'result', key, outcome, timing: NO_TIME })
  }

  exit({ code, signal, stderr = [] }: { code?: number; signal?: string; stderr?: string[] }): void {
    if (!this.alive) return
    this.alive = false
    const message = signal ? `killed by ${signal}` : `exited with code ${code ?? 0}`
    const how = { ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }) }
    this.#onEvent({ kind: 'exited', exit: { ...how, message, stderr } })
  }

  #begin(): void {
    if (!this.alive) return
    this.#onEvent({ kind: 'spawned', pid: this.pid })
    const behaviour = this.#options.behaviour(this.spec)
    if (behaviour === 'fails') {
      this.say({ kind: 'load-failed', message: 'no such handler', outOfMemory: false })
      this.exit({ code: 1, stderr: ['Traceback…'] })
    } else if (behaviour !== 'manual') this.say({ kind: 'loaded', credit: 2 * this.spec.load.batchSize })
  }
}

interface MemoryOptions {
  readonly behaviour: (spec: WorkerSpec) => Behaviour
  readonly answer: (job: WireJob) => WireOutcome
}

/** A factory whose workers a test can reach, in order of their start. */
export function memoryWorkers(options: Partial<MemoryOptions> = {}): {
  factory: WorkerFactory
  started: MemoryWorker[]
  alive: () => MemoryWorker[]
} {
  const started: MemoryWorker[] = []
  const full: MemoryOptions = { behaviour: () => 'answers', answer: (job) => textOutcome(job.id), ...options }
  const factory: WorkerFactory = (spec, onEvent) => {
    const worker = new MemoryWorker(spec, { onEvent, pid: 100 + started.length, options: full })
    started.push(worker)
    return worker
  }
  return { factory, started, alive: () => started.filter((worker) => worker.alive) }
}
