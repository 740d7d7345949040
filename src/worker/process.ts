/**
 * The parent's side of one worker process: spawns it, says hello, loads, and reports what it says until it is gone. The
 * connection is a Unix socket pair that the child inherits as file descriptor 3: no path, no port, nothing left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { createChannel, type Channel } from '../protocol/channel.js'
import { createUpDecoder, encodeDown } from '../protocol/codec.js'
import { PROTOCOL_VERSION, type DownMessage, type UpMessage } from '../protocol/messages.js'
import { messageOf } from '../errors.js'
import { systemClock } from '../clock.js'
import { eachLine, lastWords, writeAll } from './child-streams.js'
import type { WorkerChild } from './forked-child.js'
import { holdGroup, releaseGroup } from './held-groups.js'
import { killGroup } from './kill-group.js'
import { parseMetricLine } from './metric-line.js'
import { nodeWorkerCommand, type WorkerCommand } from './node-command.js'
import { withParents } from './preloading.js'
import type { Standby, Started } from './standby.js'
import { StoppedWatch, type Watched } from './stopped.js'
import type { Worker, WorkerEvent, WorkerExit, WorkerFactory, WorkerSpec } from './worker.js'

/** The file descriptor that a worker finds its connection at. */
export const CHANNEL_FD = 3
/** Lines of stderr that are kept for the report of a death. */
const STDERR_LINES = 50
const STDERR_LINE_CHARS = 2_000
/** One that was asked to stop, and has closed its end, exits by itself within this time. */
const EXIT_GRACE_MS = 250

/** How real workers are started. */
export interface FactoryOptions {
  /** Default: Node workers only. */
  readonly commandOf?: (spec: WorkerSpec) => WorkerCommand
  /** Gives a process that was started in advance, where it has one. */
  readonly standby?: Standby<WorkerProcess> | undefined
}

/** Makes the factory that starts real worker processes. */
export function createWorkerFactory(options: FactoryOptions = {}): WorkerFactory {
  const commandOf = options.commandOf ?? ((spec: WorkerSpec) => nodeWorkerCommand(spec))
  const watch = new StoppedWatch(systemClock)
  const startIn = (modelDir: string, spec: WorkerSpec): Started<WorkerProcess> => {
    const command = commandOf({ ...spec, load: { ...spec.load, modelDir } })
    return { process: new WorkerProcess(spawnIn(modelDir, command), watch), command, modelDir }
  }
  const { standby } = options
  const alone: WorkerFactory = (spec, onEvent) => {
    const { modelDir } = spec.load
    try {
      const started = standby?.take(commandOf(spec), modelDir) ?? startIn(modelDir, spec).process
      standby?.learn((next) => startIn(next, spec))
      started.load(spec, onEvent)
      return started
    } catch (error) {
      const exit = { message: `could not be started: ${messageOf(error)}`, stderr: [] }
      queueMicrotask(() => onEvent({ kind: 'exited', exit }))
      return { congested: false, send: () => undefined, kill: () => undefined }
    }
  }
  const overChild = (spec: WorkerSpec, onEvent: Task['onEvent'], child: WorkerChild) => {
    const worker = new WorkerProcess(child, watch)
    worker.load(spec, onEvent)
    return worker
  }
  return withParents({ alone, overChild, commandOf })
}

const spawnIn = (cwd: string, { command, args, env }: WorkerCommand): ChildProcess =>
  spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own: it ends together, and a Ctrl-C in the server's terminal does not reach it.
    detached: true,
  })

/** How far the conversation has come. */
type Phase =
  | { kind: 'greeting' }
  /** It has said hello, and has not been told what to load. */
  | { kind: 'greeted' }
  | { kind: 'talking' }
  | { kind: 'failed'; message: string }
  | { kind: 'gone' }

/** What a process is there for. */
interface Task {
  readonly spec: WorkerSpec
  readonly onEvent: (event: WorkerEvent) => void
}

/** A process that says hello by itself, and loads when it is told what. */
export class WorkerProcess implements Worker, Watched {
  readonly #child: WorkerChild
  readonly #channel: Channel<DownMessage>
  #task: Task | undefined
  readonly #stderr: string[] = []
  readonly #watch: StoppedWatch
  /** Jobs without a result or an acknowledged cancel, and the load until it is done. */
  #owed = 0
  #phase: Phase = { kind: 'greeting' }

  constructor(child: WorkerChild, watch: StoppedWatch) {
    this.#watch = watch
    this.#child = child
    holdGroup(this.#child)
    // First, for a spawn that fails tells so later, and an error without a listener would end the server.
    this.#awaitEnd()
    this.#channel = this.#connect()
    this.#listenToLines()
    this.#channel.send({ kind: 'hello', version: PROTOCOL_VERSION })
  }

  /** Tells it what it is there for, once; until then nothing of it is reported. */
  load(spec: WorkerSpec, onEvent: (event: WorkerEvent) => void): void {
    this.#task = { spec, onEvent }
    this.#expect(1)
    const { pid } = this.#child
    // Never from within the factory: the caller does not hold the worker yet.
    if (pid !== undefined) queueMicrotask(() => this.#tell({ kind: 'spawned', pid }))
    if (this.#phase.kind === 'greeted') this.#startLoading(spec)
  }

  /** It lives, as far as is known. */
  get isAlive(): boolean {
    return this.#phase.kind === 'greeting' || this.#phase.kind === 'greeted'
  }

  get congested(): boolean {
    return this.#channel.congested
  }

  send(message: Exclude<DownMessage, { kind: 'hello' | 'load' }>): void {
    if (this.#phase.kind !== 'talking') return
    this.#channel.send(message)
    if (message.kind === 'jobs') this.#expect(message.jobs.length)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get owes(): boolean {
    return this.#owed > 0
  }

  onStopped(): void {
    this.#fail('the process had been stopped (state T), and would never have answered')
  }

  #expect(answers: number): void {
    this.#owed += answers
    this.#watch.expect(this)
  }

  #heard(message: UpMessage): void {
    this.#watch.heard(this)
    if (message.kind === 'result' || message.kind === 'loaded') this.#owed--
    else if (message.kind === 'cancelled') this.#owed -= message.keys.length
  }

  kill(): void {
    if (this.#phase.kind !== 'gone') killGroup(this.#child)
  }

  #connect(): Channel<DownMessage> {
    // Out of file descriptors, Node makes a child without streams, against its types.
    const streams = this.#child.stdio as WorkerChild['stdio'] | undefined
    const socket = streams?.[CHANNEL_FD]
    if (!(socket instanceof Socket)) {
      this.#phase = { kind: 'gone' }
      throw new TypeError('there was no socket for it; too many files are open')
    }
    const channel = createChannel<DownMessage, UpMessage>({
      encode: encodeDown,
      createDecoder: createUpDecoder,
      write: (pieces) => writeAll(socket, pieces),
      onMessage: (message) => this.#onMessage(message),
      onBroken: (error) => this.#fail(messageOf(error)),
    })
    socket.on('data', (bytes: Buffer) => channel.receive(bytes))
    socket.on('drain', () => channel.drained())
    // A worker that closes its end, or whose end is gone, is of no use even if the process lives on.
    socket.on('error', () => this.kill())
    socket.on('end', () => setTimeout(() => this.kill(), EXIT_GRACE_MS).unref())
    return channel
  }

  #onMessage(message: UpMessage): void {
    if (this.#phase.kind === 'gone' || this.#phase.kind === 'failed') return
    if (this.#phase.kind === 'talking') {
      this.#heard(message)
      if (message.kind !== 'hello') this.#tell({ kind: 'message', message })
      return
    }
    if (message.kind !== 'hello') {
      this.#fail(`its first message was ${message.kind}, not hello`)
      return
    }
    if (message.version !== PROTOCOL_VERSION) {
      const why = `it speaks version ${message.version} of the worker protocol, the server version ${PROTOCOL_VERSION}`
      this.#fail(`${why}. Install the same version of Marina on both sides.`)
      return
    }
    this.#phase = { kind: 'greeted' }
    if (this.#task) this.#startLoading(this.#task.spec)
  }

  #startLoading({ load }: WorkerSpec): void {
    this.#phase = { kind: 'talking' }
    this.#channel.send({ kind: 'load', ...load })
  }

  #tell(event: WorkerEvent): void {
    this.#task?.onEvent(event)
  }

  #fail(message: string): void {
    this.#phase = { kind: 'failed', message }
    killGroup(this.#child)
  }

  #listenToLines(): void {
    const [, stdout, stderr] = this.#child.stdio
    if (stdout instanceof Readable) eachLine(stdout, (line) => this.#printed('info', line))
    if (!(stderr instanceof Readable)) return
    eachLine(stderr, (line) => {
      if (this.#printed('warn', line) === 'metric') return
      this.#stderr.push(line.slice(0, STDERR_LINE_CHARS))
      if (this.#stderr.length > STDERR_LINES) this.#stderr.shift()
    })
  }

  /** A line of stdout or stderr: of a Python handler it may be a metric. */
  #printed(level: 'info' | 'warn', line: string): 'text' | 'metric' | 'broken' {
    const said = this.#task?.spec.runtime === 'python' ? parseMetricLine(line) : ({ kind: 'text' } as const)
    if (said.kind === 'metric') this.#say(said.metric)
    else if (said.kind === 'broken') this.#log('error', `Failed to parse metrics line: "${line}".`)
    else this.#log(level, line)
    return said.kind
  }

  #log(level: 'info' | 'warn' | 'error', message: string): void {
    this.#say({ kind: 'log', level, message })
  }

  #say(message: Extract<UpMessage, { kind: 'log' | 'metric' }>): void {
    if (this.#phase.kind !== 'gone') this.#tell({ kind: 'message', message })
  }

  /** The one path on which a worker is reported gone: spawn errors, exits and lost connections all end here. */
  #awaitEnd(): void {
    const child = this.#child
    const end = (exit: Omit<WorkerExit, 'stderr'>) => {
      if (this.#phase.kind === 'gone') return
      this.#phase = { kind: 'gone' }
      this.#watch.forget(this)
      child.stdio.forEach((stream) => stream instanceof Readable && stream.destroy())
      this.#tell({ kind: 'exited', exit: { ...exit, stderr: this.#stderr } })
    }
    child.on('error', (error: Error) => {
      if (child.pid === undefined) end({ message: `could not be started: ${error.message}` })
    })
    child.once('exit', (code: number | null, signal: string | null) => {
      killGroup(child)
      releaseGroup(child)
      const exit = this.#exitOf(code, signal)
      void lastWords(child).then(() => end(exit))
    })
  }

  #exitOf(code: number | null, signal: string | null): Omit<WorkerExit, 'stderr'> {
    const { message: cause } = this.#phase.kind === 'failed' ? this.#phase : { message: undefined }
    const how = signal
      ? `killed by ${signal}`
      : code === null
        ? 'ended, its parent being gone, nobody knows how'
        : `exited with code ${code}`
    const message = cause === undefined ? how : `${how}: ${cause}`
    return { message, ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }
  }
}
