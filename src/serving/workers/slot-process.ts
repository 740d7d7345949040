/**
 * One process of a slot, from its spawn to its end: it loads, answers the archive's examples, and then serves. What it
 * says on the way is sorted here: the slot hears only what concerns it.
 */
import type { Logger } from '../../log.js'
import type { DownMessage, UpMessage } from '../../protocol/messages.js'
import type { Worker, WorkerEvent, WorkerExit, WorkerFactory, WorkerSpec } from '../../worker/worker.js'
import type { KeySource } from '../create-job.js'
import type { WorkerId } from '../dispatch/state.js'
import type { JobMessage } from './slot-host.js'
import { crashPlaceOf, placeOf } from '../place.js'
import { startWarmUp, type LoadedExample, type WarmUp } from './warm-up.js'

/** How a process ended. */
export interface ProcessEnd {
  /** In a sentence; what the server or the worker itself says comes before how the process ended. */
  readonly message: string
  readonly stderr: readonly string[]
  /** The stack of the exception that the load ended with. */
  readonly trace: string | undefined
  /** It had come to serve. */
  readonly hadServed: boolean
  /** The server ended it. */
  readonly wasKilled: boolean
  readonly outOfMemory: boolean
}

/** What the slot is told; `onEnd` comes once, last. */
export interface ProcessListener {
  onSpawned(pid: number): void
  /** Loaded, warm and idle. */
  onServing(credit: number): void
  onJobMessage(message: JobMessage): void
  onMetric(metric: Extract<UpMessage, { kind: 'metric' }>): void
  onEnd(end: ProcessEnd): void
}

/** What a process is started with. */
export interface ProcessOptions {
  readonly id: WorkerId
  readonly spec: WorkerSpec
  readonly warmUps: readonly LoadedExample[]
  readonly factory: WorkerFactory
  readonly nextKey: KeySource
  readonly log: Logger
}

type Stage =
  | { readonly kind: 'loading' }
  | { readonly kind: 'warming'; readonly credit: number; readonly take: WarmUp }
  | { readonly kind: 'serving' }
  | { readonly kind: 'gone' }

/** A started process. */
export class SlotProcess {
  readonly id: WorkerId
  readonly #options: ProcessOptions
  readonly #listener: ProcessListener
  readonly #handlerLog: Logger
  readonly #worker: Worker
  #answered = 0
  #stage: Stage = { kind: 'loading' }
  #killedBecause: string | undefined
  #loadFailure: Extract<UpMessage, { kind: 'load-failed' }> | undefined

  constructor(options: ProcessOptions, listener: ProcessListener) {
    this.id = options.id
    this.#options = options
    this.#listener = listener
    this.#handlerLog = options.log.child({ logger: 'MODEL_LOG' })
    this.#worker = options.factory(options.spec, (event) => this.#onEvent(event))
  }

  /** Jobs that it has answered while it served. */
  get answered(): number {
    return this.#answered
  }

  send(message: Extract<DownMessage, { kind: 'jobs' | 'cancel' | 'stop' }>): void {
    this.#worker.send(message)
  }

  /** Ends it at once; `why` completes `killed: …`. */
  kill(why: string): void {
    this.#killedBecause ??= why
    this.#worker.kill()
  }

  #onEvent(event: WorkerEvent): void {
    switch (event.kind) {
      case 'spawned':
        this.#listener.onSpawned(event.pid)
        break
      case 'message':
        this.#onMessage(event.message)
        break
      case 'exited':
        this.#onExit(event.exit)
        break
      default:
        event satisfies never
    }
  }

  #onMessage(message: Exclude<UpMessage, { kind: 'hello' }>): void {
    switch (message.kind) {
      case 'log':
        this.#handlerLog[message.level](message.message, message.id === undefined ? {} : { id: message.id })
        break
      case 'metric':
        this.#listener.onMetric(message)
        break
      case 'loaded':
        if (this.#stage.kind === 'loading') this.#warmUp(message.credit)
        break
      case 'load-failed':
        this.#loadFailure = message
        break
      case 'result':
      case 'chunk':
      case 'credit':
      case 'started':
      case 'cancelled':
        this.#onJobMessage(message)
        break
      default:
        message satisfies never
    }
  }

  #onJobMessage(message: JobMessage): void {
    const stage = this.#stage
    if (stage.kind === 'serving') {
      if (message.kind === 'result') this.#answered++
      this.#listener.onJobMessage(message)
    } else if (stage.kind === 'warming') {
      if (message.kind === 'credit') this.#stage = { ...stage, credit: message.credit }
      else if (message.kind === 'result' || message.kind === 'chunk') stage.take(message)
    }
  }

  #warmUp(credit: number): void {
    const warmUp: { take: WarmUp } = { take: () => undefined }
    this.#stage = { kind: 'warming', credit, take: (message) => warmUp.take(message) }
    warmUp.take = startWarmUp({
      examples: this.#options.warmUps,
      nextKey: this.#options.nextKey,
      send: (message) => this.send(message),
      log: this.#options.log,
      onDone: (why) => this.#onWarm(why),
    })
  }

  #onWarm(why: string | undefined): void {
    if (this.#stage.kind !== 'warming') return
    const { credit } = this.#stage
    if (why !== undefined) {
      this.kill(why)
      return
    }
    this.#stage = { kind: 'serving' }
    this.#listener.onServing(credit)
  }

  #onExit(exit: WorkerExit): void {
    const hadServed = this.#stage.kind === 'serving'
    this.#stage = { kind: 'gone' }
    this.#listener.onEnd({
      message: this.#causeOf(exit, hadServed),
      stderr: exit.stderr,
      trace: this.#loadFailure?.trace,
      hadServed,
      wasKilled: this.#killedBecause !== undefined,
      // 128 + SIGKILL is how a shell reports the kernel's out-of-memory killer.
      outOfMemory: exit.code === 137 || this.#loadFailure?.outOfMemory === true,
    })
  }

  #causeOf(exit: WorkerExit, hadServed: boolean): string {
    if (this.#loadFailure) {
      const { message, trace = '' } = this.#loadFailure
      const place = placeOf(trace, this.#options.spec.load.modelDir)
      return `the handler could not be loaded: ${message}${place === undefined ? '' : ` (${place})`}`
    }
    if (this.#killedBecause !== undefined) return `killed: ${this.#killedBecause}`
    const { modelDir } = this.#options.spec.load
    const place = exit.signal === undefined ? undefined : crashPlaceOf(exit.stderr, modelDir)
    const message = place === undefined ? exit.message : `${exit.message} (${place})`
    return hadServed ? message : `${message} before it was ready`
  }
}
