/** `marina serve` as a process of its own, for what only real processes and sockets can show. Needs the built dist/. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pack } from '../../src/archive/pack.js'

const bin = fileURLToPath(new URL('../../bin/marina.js', import.meta.url))

/** A worker as describe shows it. */
export interface ShownWorker {
  readonly pid: number
  readonly status: string
  readonly state: string
  readonly restarts: number
  readonly lastFailure?: { readonly message: string; readonly stderr: readonly string[] }
}

/** A version as describe shows it. */
export interface ShownVersion {
  readonly workers: readonly ShownWorker[]
  readonly jobQueueStatus: { readonly pendingRequests: number }
}

/** What a process has written so far, and its end. */
export class Program {
  readonly child: ChildProcess
  /** Exit code, or the signal that ended it, once all that it wrote has come. */
  readonly exited: Promise<number | string>
  stdout = ''
  stderr = ''
  readonly #looks = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.child = child
    const take = (name: 'stdout' | 'stderr') => {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this[name] += text
        for (const look of [...this.#looks]) look()
      })
    }
    take('stdout')
    take('stderr')
    const exit = new Promise<number | string>((resolve) =>
      child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
    )
    // Not the child's own `close`, which does not come after `disconnect`.
    const closed = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'close'))
    this.exited = Promise.all([exit, ...closed]).then(([end]) => end)
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  /** Resolves with the first match in all that it writes; rejects when it ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
        if (!match) return
        this.#looks.delete(look)
        resolve(match)
      }
      this.#looks.add(look)
      look()
      void this.exited.then((end) =>
        reject(new Error(`ended (${end}) without ${String(pattern)}:\n${this.stdout}${this.stderr}`)),
      )
    })
  }
}

/** A server that answers. */
export class Served extends Program {
  inference = ''
  management = ''
  metrics = ''

  get port(): number {
    return Number(new URL(this.inference).port)
  }

  async describe(model: string): Promise<ShownVersion> {
    const response = await fetch(`${this.management}/models/${model}`)
    const [version] = (await response.json()) as ShownVersion[]
    if (!version) throw new Error(`${model} has no version`)
    return version
  }

  /** Describes until `holds`; the server tells of such changes in no other way. */
  async untilDescribed(model: string, holds: (version: ShownVersion) => boolean): Promise<ShownVersion> {
    for (;;) {
      const version = await this.describe(model)
      if (holds(version)) return version
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** A folder for one test file: its models, its cache of unpacked archives, and the servers that it started. */
export class ServerTests {
  readonly folder = mkdtempSync(join(tmpdir(), 'marina-system-'))
  readonly #programs: Program[] = []

  /** Writes a model folder; `files` are those beside its manifest. */
  model(name: string, files: Readonly<Record<string, string | Uint8Array>>, facts: object = {}): string {
    const folder = join(this.folder, name)
    mkdirSync(join(folder, 'MAR-INF'), { recursive: true })
    const model = { modelName: name, modelVersion: '1.0', handler: 'handler.js', ...facts }
    writeFileSync(join(folder, 'MAR-INF/MANIFEST.json'), JSON.stringify({ runtime: 'node', model }))
    for (const [file, data] of Object.entries(files)) writeFileSync(join(folder, file), data)
    return folder
  }

  /** Writes the folder of a model whose handler is the Python function `handle`. */
  pythonModel(name: string, source: string, facts: object = {}): string {
    const model = { modelName: name, modelVersion: '1.0', handler: 'handler.py:handle', ...facts }
    const manifest = JSON.stringify({ runtime: 'python', model })
    return this.model(name, { 'handler.py': source, 'MAR-INF/MANIFEST.json': manifest })
  }

  /** Packs such a folder into an archive, which a server unpacks into a folder of its own. */
  async archive(name: string, handler: string): Promise<string> {
    const folder = this.model(name, { 'handler.js': handler })
    const facts = { modelName: name, version: '1.0', handler: join(folder, 'handler.js'), bundle: false }
    return (await pack({ ...facts, exportPath: this.folder, force: true })).file
  }

  /** Writes a file; answers with its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** Writes a project folder, without a manifest. */
  project(name: string, files: Readonly<Record<string, string>>): string {
    for (const [file, text] of Object.entries(files)) this.file(join(name, file), text)
    return join(this.folder, name)
  }

  /** Runs `marina` with these words. `ipc`: with a channel, as a program's child. */
  run(
    words: readonly string[],
    {
      env = {},
      ipc = false,
      stdin,
    }: { env?: NodeJS.ProcessEnv; ipc?: boolean; stdin?: string | undefined } = {},
  ): Program {
    return this.#start(new Program(this.#spawn(words, { env, ipc, stdin })))
  }

  /** Serves on free ports, and waits until the first workers are ready or have failed. */
  async serve(
    words: readonly string[],
    { env = {}, ipc = false }: { env?: NodeJS.ProcessEnv; ipc?: boolean } = {},
  ): Promise<Served> {
    const ports = ['inference', 'management', 'metrics'].flatMap((role) => [`--${role}-port`, '0'])
    const served = new Served(this.#spawn(['serve', ...words, ...ports, '--json'], { env, ipc }))
    this.#start(served)
    const [line] = await served.until(/^\{"event":"ready".*$/m)
    Object.assign(served, (JSON.parse(line) as { addresses: object }).addresses)
    return served
  }

  /** Counts a program that the test has started itself among those that `close` ends. */
  watch(program: Program): Program {
    return this.#start(program)
  }

  /** Ends what still runs, and removes the folder. */
  async close(): Promise<void> {
    for (const program of this.#programs) program.child.kill('SIGKILL')
    await Promise.all(this.#programs.map((program) => program.exited))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #spawn(
    words: readonly string[],
    { env, ipc, stdin }: { env: NodeJS.ProcessEnv; ipc: boolean; stdin?: string | undefined },
  ): ChildProcess {
    const input = stdin === undefined ? 'ignore' : 'pipe'
    const child = spawn(process.execPath, [bin, ...words], {
      env: { ...process.env, XDG_CACHE_HOME: join(this.folder, 'cache'), ...env },
      stdio: [input, 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    })
    child.stdin?.end(stdin)
    return child
  }

  #start<P extends Program>(program: P): P {
    this.#programs.push(program)
    return program
  }
}
