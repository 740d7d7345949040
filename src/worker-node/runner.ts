/**
 * The work of a Node worker: takes jobs as they come, forms a batch whenever it is free, and answers each job on its own.
 * While a batch runs, the next is read; between two batches the event loop turns once, so that what has arrived counts.
 */
import { MarinaError } from '../errors.js'
import { failure } from '../handlers/handler.js'
import type { HandlerTiming, JobKey, WireJob, WireOutcome } from '../protocol/messages.js'
import { runBatch, type LoadedHandler, type Row } from './batch.js'
import { Credit } from './credit.js'
import { inlineInput, readInput, WorkerJob } from './job.js'
import {
  encodeBody,
  invalidOutput,
  openReply,
  rejectedOutcome,
  thrownOutcome,
  type StreamedReply,
} from './outcome.js'
import { runSteps } from './steps.js'
import { sendResult, type Uplink } from './uplink.js'

/** What a runner is made of. */
export interface RunnerOptions {
  readonly loaded: LoadedHandler
  readonly batchSize: number
  readonly uplink: Uplink
}

/** How long batches may follow each other without a look at what has arrived. */
const SLICE_MS = 0.5

/** Runs the jobs of one worker. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #credit: Credit
  /** When the event loop last had its turn. */
  #turnMs = 0
  #waiting: { readonly wire: WireJob; readonly announced: boolean }[] = []
  /** No Map: one that jobs come and go through keeps them from the collector (`serving/dispatch/state.ts`). */
  readonly #running: WorkerJob[] = []
  #state: { kind: 'idle' } | { kind: 'busy' } | { kind: 'stopping'; done: () => void } = { kind: 'idle' }

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#credit = new Credit(options.batchSize)
  }

  /** How many jobs the server may send before the first result. */
  get credit(): number {
    return this.#credit.jobs
  }

  /** Takes jobs; those with `start` were sent to an idle worker and are known to start now. */
  accept(jobs: readonly WireJob[], start: boolean): void {
    for (const wire of jobs) this.#waiting.push({ wire, announced: start })
    if (this.#state.kind === 'idle') this.#turn()
  }

  /** Gives back jobs that have not started, and tells the others that nobody waits for them. */
  cancel(keys: readonly JobKey[]): void {
    const unstarted = keys.filter((key) => this.#waiting.some(({ wire }) => wire.key === key))
    this.#waiting = this.#waiting.filter(({ wire }) => !unstarted.includes(wire.key))
    for (const job of this.#running) if (keys.includes(job.wire.key)) job.abort()
    if (unstarted.length > 0) this.#options.uplink.send({ kind: 'cancelled', keys: unstarted })
  }

  /** Hands back what has not started; resolves when what has started is answered. */
  stop(): Promise<void> {
    this.cancel(this.#waiting.map(({ wire }) => wire.key))
    if (this.#state.kind === 'idle') return Promise.resolve()
    return new Promise((done) => (this.#state = { kind: 'stopping', done }))
  }

  #turn(): void {
    this.#turnMs = performance.now()
    this.#next()
  }

  #next(): void {
    if (this.#state.kind === 'stopping') {
      this.#state.done()
      return
    }
    if (this.#waiting.length === 0) {
      this.#state = { kind: 'idle' }
      return
    }
    this.#state = { kind: 'busy' }
    const { batchSize, loaded } = this.#options
    const batch = loaded.handler.step ? this.#admit(batchSize) : this.#admit(this.#batchLength(batchSize))
    const startedMs = performance.now()
    void this.#work(batch).then(() => this.#worked(startedMs))
  }

  /**
   * A whole batch that waits already follows at once: what it starts with leaves in one write with the answers of the one
   * before. Otherwise the event loop has its turn, for companions, cancels and pieces of streams.
   */
  #worked(startedMs: number): void {
    const nowMs = performance.now()
    const { batchSize, loaded, uplink } = this.#options
    if (!loaded.handler.step && this.#credit.tookMs(nowMs - startedMs))
      uplink.send({ kind: 'credit', credit: this.#credit.jobs })
    if (this.#waiting.length >= batchSize && nowMs - this.#turnMs < SLICE_MS) {
      this.#next()
    } else {
      uplink.flush()
      setImmediate(() => this.#turn())
    }
  }

  /** A describe is always alone (contract scheduling §3). */
  #batchLength(batchSize: number): number {
    const alone = this.#waiting.slice(0, batchSize).findIndex(({ wire }) => wire.operation === 'describe')
    return alone < 0 ? batchSize : Math.max(1, alone)
  }

  /** Takes up to `most` jobs out of the queue and tells the server that they have started. */
  #admit(most: number): readonly WireJob[] {
    const taken = this.#waiting.splice(0, Math.min(most, this.#waiting.length))
    const keys = taken.filter(({ announced }) => !announced).map(({ wire }) => wire.key)
    if (keys.length > 0) this.#options.uplink.send({ kind: 'started', keys })
    this.#options.uplink.flush()
    return taken.map(({ wire }) => wire)
  }

  async #work(wires: readonly WireJob[]): Promise<void> {
    const { loaded, uplink, batchSize } = this.#options
    const jobs = await this.#open(wires)
    if (loaded.handler.step) {
      await runSteps(loaded, jobs, {
        uplink,
        places: batchSize,
        admit: async (places) => this.#open(this.#admit(places)),
        done: (job) => this.#forget(job),
      })
      return
    }
    const { rows, timing } = await runBatch(loaded, jobs)
    const streams = jobs.flatMap((job, at) => this.#answer(job, { row: rows[at], timing }) ?? [])
    if (streams.length === 0) return
    uplink.flush()
    await Promise.all(streams)
  }

  /** Reads what the jobs carry; one that cannot be read is answered here and does not come back. */
  async #open(wires: readonly WireJob[]): Promise<WorkerJob[]> {
    const jobs: WorkerJob[] = []
    for (const wire of wires) {
      const job = new WorkerJob(wire)
      this.#running.push(job)
      try {
        job.input = inlineInput(wire.input) ?? (await readInput(wire.input))
        jobs.push(job)
      } catch (error) {
        const isAsked = error instanceof MarinaError && error.code === 'invalid-shape'
        const outcome = isAsked
          ? rejectedOutcome(failure(400, error.message))
          : thrownOutcome(error, this.#options.loaded.modelDir)
        this.#finish(job, { timing: noTiming, outcome })
      }
    }
    return jobs
  }

  /** Writes one job's answer; a stream is written piece by piece, as fast as the server takes it. */
  #answer(
    job: WorkerJob,
    { row, timing }: { row: Row | undefined; timing: HandlerTiming },
  ): Promise<void> | undefined {
    if (row?.kind !== 'reply') {
      const outcome = row?.outcome ?? invalidOutput('The handler gave no row for this job.')
      this.#finish(job, { timing, outcome })
      return undefined
    }
    const opened = openReply(row.reply)
    if (opened.kind === 'stream') return this.#stream(job, { reply: opened, timing })
    this.#finish(job, { timing, outcome: opened.outcome })
    return undefined
  }

  #finish(job: WorkerJob, { timing, outcome }: { timing: HandlerTiming; outcome: WireOutcome }): void {
    sendResult(this.#options.uplink, { key: job.wire.key, timing, outcome })
    this.#forget(job)
  }

  #forget(job: WorkerJob): void {
    const at = this.#running.indexOf(job)
    if (at >= 0) this.#running.splice(at, 1)
  }

  async #stream(
    job: WorkerJob,
    { reply: { head, pieces }, timing }: { reply: StreamedReply; timing: HandlerTiming },
  ): Promise<void> {
    const { uplink, loaded } = this.#options
    let first: Partial<Record<'head', typeof head>> = { head }
    let outcome: WireOutcome = { kind: 'ok', ...head, body: { kind: 'inline', data: new Uint8Array() } }
    try {
      for await (const piece of pieces) {
        if (job.isAborted) break
        const data = encodeBody(piece)
        uplink.send({ kind: 'chunk', key: job.wire.key, ...first, body: { kind: 'inline', data } })
        first = {}
        await uplink.roomy()
      }
    } catch (error) {
      outcome = thrownOutcome(error, loaded.modelDir)
    }
    this.#finish(job, { timing, outcome })
  }
}

/** Of a job that never came to the handler. */
const noTiming: HandlerTiming = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: 1 }
