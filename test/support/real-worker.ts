/**
 * Real workers for tests: the program of src/worker-node, bundled as it is now into a folder that looks like the installed
 * package, and processes of it that run a handler written down in the test.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { JobKey, UpMessage, WireJob, WireOutcome } from '../../src/protocol/messages.js'
import type { WorkerCommand } from '../../src/worker/node-command.js'
import { createWorkerFactory } from '../../src/worker/process.js'
import type { Worker, WorkerEvent, WorkerExit, WorkerFactory, WorkerSpec } from '../../src/worker/worker.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

type Message = Exclude<UpMessage, { kind: 'hello' }>
type MessageOf<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>

/** How a worker of a test is started; what is absent is a handler that gives each body back. */
export interface TestWorkerOptions {
  /** The text of handler.js. */
  readonly source?: string
  /** Further files of the model's folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly load?: Partial<WorkerSpec['load']>
  /** Another program than the bundled one. */
  readonly command?: WorkerCommand
}

/** For the handler's source: `await opened()` lasts until the test calls `open()`. */
export const WAITS = `import { existsSync } from 'node:fs'
const opened = async () => { while (!existsSync('open')) await new Promise((resolve) => setTimeout(resolve, 5)) }`

const ECHO = 'export default { inference: (jobs) => jobs.map((job) => job.input.parts[0].data) }'

/** A bundled program, and what was started of it. */
export class WorkerProgram {
  readonly #folder = mkdtempSync(join(tmpdir(), 'marina-worker-'))
  readonly #entry = join(this.#folder, 'dist/worker-node/main.js')
  readonly #started: TestWorker[] = []
  #models = 0

  private constructor() {}

  static async bundle(): Promise<WorkerProgram> {
    const program = new WorkerProgram()
    const folder = program.#folder
    await build({
      entryPoints: [join(root, 'src/index.ts'), join(root, 'src/worker-node/main.ts')],
      outdir: join(folder, 'dist'),
      outbase: join(root, 'src'),
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    })
    symlinkSync(join(root, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    return program
  }

  get command(): WorkerCommand {
    return { command: process.execPath, args: [this.#entry], env: process.env }
  }

  start({
    source = ECHO,
    files = {},
    load = {},
    command = this.command,
  }: TestWorkerOptions = {}): TestWorker {
    const modelDir = join(this.#folder, `model-${this.#models++}`)
    mkdirSync(modelDir)
    for (const [name, data] of Object.entries({
      'package.json': '{"type":"module"}',
      'handler.js': source,
      ...files,
    })) {
      writeFileSync(join(modelDir, name), data)
    }
    const defaults = {
      model: 'm',
      version: '1.0',
      handler: 'handler.js',
      batchSize: 4,
      threads: 1,
      device: 'cpu',
    }
    const worker = new TestWorker(
      {
        slot: 9000,
        runtime: 'node',
        load: { ...defaults, retryItems: true, modelDir, ...load },
      },
      () => command,
    )
    this.#started.push(worker)
    return worker
  }

  /** Ends all that was started, and removes the files. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((worker) => worker.end()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A factory takes what is to be told of events, too. */
const isFactory = (start: WorkerFactory | ((spec: WorkerSpec) => WorkerCommand)): start is WorkerFactory =>
  start.length === 2

/** One process, and what it has said. */
export class TestWorker {
  readonly spec: WorkerSpec
  readonly modelDir: string
  readonly worker: Worker
  readonly events: WorkerEvent[] = []
  readonly #waiting = new Set<() => void>()

  /** `start` is a factory, for workers that share one, or what makes the command. */
  constructor(spec: WorkerSpec, start: WorkerFactory | ((spec: WorkerSpec) => WorkerCommand)) {
    this.spec = spec
    this.modelDir = spec.load.modelDir
    const factory = isFactory(start) ? start : createWorkerFactory({ commandOf: start })
    this.worker = factory(spec, (event) => {
      this.events.push(event)
      for (const look of [...this.#waiting]) look()
    })
  }

  get messages(): Message[] {
    return this.events.flatMap((event) => (event.kind === 'message' ? [event.message] : []))
  }

  /** What it has logged, as `level request-id text`; without a request the id is `-`. */
  get logs(): string[] {
    return this.messages.flatMap((message) =>
      message.kind === 'log' ? [`${message.level} ${message.id ?? '-'} ${message.message}`] : [],
    )
  }

  /** Its process id, when it has been spawned. */
  pid(): Promise<number> {
    return this.until(() => this.events.flatMap((event) => (event.kind === 'spawned' ? [event.pid] : []))[0])
  }

  /** The first of what `find` sees among all events, now or later; rejects if the worker ends without it. */
  async until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find()
        const last = this.events.at(-1)
        if (found === undefined && last?.kind !== 'exited') return
        this.#waiting.delete(look)
        if (found !== undefined) resolve(found)
        else reject(new Error(`the worker ended first: ${JSON.stringify(this.events)}`))
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The first message of a kind. */
  message<Kind extends Message['kind']>(kind: Kind): Promise<MessageOf<Kind>> {
    return this.until(() =>
      this.messages.find((message): message is MessageOf<Kind> => message.kind === kind),
    )
  }

  result(key: number): Promise<MessageOf<'result'>> {
    return this.until(() =>
      this.messages.find(
        (message): message is MessageOf<'result'> => message.kind === 'result' && message.key === key,
      ),
    )
  }

  async outcome(key: number): Promise<WireOutcome> {
    return (await this.result(key)).outcome
  }

  /** The status and the text of a job's answer, or what failed. */
  async answer(key: number): Promise<string> {
    const outcome = await this.outcome(key)
    if (outcome.kind === 'failed') return `${outcome.reason} ${outcome.status} ${outcome.message}`
    return `${outcome.status} ${textOf(outcome.body)}`
  }

  exit(): Promise<WorkerExit> {
    return this.until(() => this.events.flatMap((event) => (event.kind === 'exited' ? [event.exit] : []))[0])
  }

  /** Sends jobs in one frame, as ahead of a busy worker, or with `start` as to an idle one. */
  send(jobs: readonly WireJob[], start = false): void {
    this.worker.send({ kind: 'jobs', start, jobs })
  }

  cancel(...keys: number[]): void {
    this.worker.send({ kind: 'cancel', keys: keys.map(keyOf) })
  }

  /** Ends the waiting of a handler with {@link WAITS}. */
  open(): void {
    writeFileSync(join(this.modelDir, 'open'), '')
  }

  stop(): void {
    this.worker.send({ kind: 'stop' })
  }

  async end(): Promise<void> {
    this.worker.kill()
    await this.exit()
  }
}

// Cast: a brand has no other constructor.
const keyOf = (key: number) => key as JobKey

/** The text of an inline body. */
export function textOf(body: Extract<WireOutcome, { kind: 'ok' }>['body']): string {
  return body.kind === 'inline' ? Buffer.from(body.data).toString('utf8') : `in ${body.file}`
}

/** A job that carries one body. */
export function jobOf(key: number, data: string | Uint8Array = '', more: Partial<WireJob> = {}): WireJob {
  const parts = [{ name: 'body', body: { kind: 'inline' as const, data: Buffer.from(data) } }]
  const input = { kind: 'parts' as const, parts }
  return { key: keyOf(key), id: `request-${key}`, operation: 'predict', headers: {}, input, ...more }
}
