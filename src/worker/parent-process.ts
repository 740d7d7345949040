/**
 * The server's side of a preloaded parent: a Python process that has loaded a model and forks a worker of it whenever it is
 * asked. The forks connect to a socket in a folder of their own that only this user can enter (docs/protocol.md).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { createServer, Socket, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../errors.js'
import { ForkedChild, type ForkedStreams } from './forked-child.js'
import { holdGroup, releaseGroup } from './held-groups.js'
import { killGroup } from './kill-group.js'
import { eachLine, lastWords } from './child-streams.js'
import { parentSaying, type LoadFailure } from './parent-saying.js'
import type { WorkerCommand } from './node-command.js'
import type { WorkerSpec } from './worker.js'

/** A parent that forks nothing any more is kept for a moment: a worker that died is started again at once. */
const LINGER_MS = 1_000
const STDERR_LINES = 50

/** Why there is no fork. */
export type NoFork =
  | { readonly kind: 'load-failed'; readonly failure: LoadFailure; readonly stderr: readonly string[] }
  /** The handler cannot be forked: start its workers one by one. */
  | { readonly kind: 'unsafe'; readonly why: string }
  | {
      readonly kind: 'ended'
      readonly message: string
      readonly stderr: readonly string[]
      /** It had loaded the model: another parent can. */
      readonly hadLoaded: boolean
    }

/** Who waits for a fork. */
export interface ForkRequest {
  readonly onFork: (child: ForkedChild) => void
  readonly onNone: (why: NoFork) => void
  /** A line that the parent wrote while it loaded. */
  readonly onLine: (level: 'info' | 'warn', line: string) => void
}

interface Waiting extends ForkRequest {
  pid: number | undefined
  readonly streams: Map<number, Socket>
}

const parents = new Set<ParentProcess>()
process.on('exit', () => {
  for (const parent of parents) parent.removeFolder()
})

/** One parent, from its start to its end; `onEnd` comes once, when it is of no use any more. */
export class ParentProcess {
  readonly #child: ChildProcess
  readonly #control: Socket
  readonly #folder = mkdtempSync(join(tmpdir(), 'marina-fork-'))
  readonly #path = join(this.#folder, 'workers')
  readonly #server: Server = createServer((socket) => this.#greet(socket))
  readonly #waiting = new Map<number, Waiting>()
  readonly #children = new Map<number, ForkedChild>()
  readonly #stderr: string[] = []
  readonly #onEnd: () => void
  #isReady = false
  #lastId = 0
  #none: NoFork | undefined
  #linger: NodeJS.Timeout | undefined

  /** @throws Error where no process can be started; nothing of it stays then */
  constructor(spec: WorkerSpec, { command, onEnd }: { command: WorkerCommand; onEnd: () => void }) {
    this.#onEnd = onEnd
    try {
      this.#child = spawnParent(spec, command)
      this.#control = this.#takeControl()
    } catch (error) {
      this.removeFolder()
      throw error
    }
    parents.add(this)
    holdGroup(this.#child)
    eachLine(this.#control, (line) => this.#hear(line))
    this.#listenToLines()
    this.#server.on('error', (error) => this.#fail(`could not be started: ${messageOf(error)}`))
    this.#server.listen(this.#path)
    this.#control.write(`${JSON.stringify(spec.load)}\n`)
    this.#child.unref()
    this.#server.unref()
    this.#child.stdio.forEach(unref)
  }

  #takeControl(): Socket {
    // First, for a spawn that fails tells so later, and an error without a listener would end the server.
    this.#child.on('error', (error) => this.#end(`could not be started: ${error.message}`))
    this.#child.once('exit', (code, signal) =>
      this.#end(signal ? `its parent was killed by ${signal}` : `its parent exited with code ${code ?? 0}`),
    )
    // Out of file descriptors, Node makes a child without streams, against its types.
    const streams = this.#child.stdio as ChildProcess['stdio'] | undefined
    const control = streams?.[3]
    if (control instanceof Socket) return control.on('error', () => this.kill())
    this.kill()
    throw new TypeError('there was no socket for it; too many files are open')
  }

  /** Asks for a worker; the answer comes later. Returns what takes the wish back. */
  fork(request: ForkRequest): () => void {
    clearTimeout(this.#linger)
    const id = ++this.#lastId
    this.#waiting.set(id, { ...request, pid: undefined, streams: new Map() })
    this.#control.ref()
    if (this.#isReady) this.#ask(id)
    return () => {
      this.#forget(id)
      // It may be the load that hangs.
      if (!this.#isReady && this.#waiting.size === 0) this.kill()
      this.#mayEnd()
    }
  }

  /** Ends it with all that its handler has started; its workers lead groups of their own. */
  kill(): void {
    killGroup(this.#child)
  }

  /**
   * At its end, or that of this program, which waits for nobody's. One by one: to remove a folder with what is in it takes a file
   * descriptor in Node 24, and there may be none left.
   */
  removeFolder(): void {
    rmSync(this.#path, { force: true })
    try {
      rmdirSync(this.#folder)
    } catch {
      // Whoever cleans up temporary files may have been quicker.
    }
  }

  /** It is of no use any more; its exit tells who waits, and why. */
  #fail(message: string): void {
    this.#none ??= { kind: 'ended', message, stderr: this.#stderr, hadLoaded: this.#isReady }
    this.kill()
  }

  #ask(id: number): void {
    this.#control.write(`${JSON.stringify({ id, path: this.#path })}\n`)
  }

  #hear(line: string): void {
    const said = parentSaying(line)
    switch (said.kind) {
      case 'ready':
        this.#isReady = true
        for (const id of this.#waiting.keys()) this.#ask(id)
        return
      case 'load-failed':
        this.#none = { kind: 'load-failed', failure: said.failure, stderr: this.#stderr }
        return
      case 'unsafe':
        this.#none = said
        return
      case 'forked':
        this.#forked(said)
        return
      case 'not-forked':
        this.#refuse(said.id, { kind: 'ended', message: said.message, stderr: [], hadLoaded: false })
        return
      case 'exited':
        this.#exited(said)
        return
      default:
        said satisfies never
    }
  }

  #forked({ id, pid }: { id: number; pid: number }): void {
    const waiting = this.#waiting.get(id)
    // Nobody waits any more. It is our parent's child until that one tells its end.
    if (!waiting) killGroup({ pid })
    else waiting.pid = pid
    this.#complete(id)
  }

  /** A stream of a fork: its first line says whose and which it is. */
  #greet(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const look = () => {
      const bytes = socket.read() as Buffer | null
      if (!bytes) return
      socket.off('readable', look)
      const end = bytes.indexOf(10)
      const [id = 0, descriptor = 0] = bytes.subarray(0, end).toString().split(' ').map(Number)
      const waiting = this.#waiting.get(id)
      if (!waiting) {
        socket.destroy()
        return
      }
      if (end + 1 < bytes.length) socket.unshift(bytes.subarray(end + 1))
      waiting.streams.set(descriptor, socket)
      this.#complete(id)
    }
    socket.on('readable', look)
  }

  #complete(id: number): void {
    const waiting = this.#waiting.get(id)
    const streams = waiting && streamsOf(waiting.streams)
    if (!waiting || waiting.pid === undefined || !streams) return
    this.#forget(id)
    const child = new ForkedChild(waiting.pid, streams)
    this.#children.set(waiting.pid, child)
    waiting.onFork(child)
  }

  #exited({ pid, code, signal }: { pid: number; code: number | null; signal: string | null }): void {
    const child = this.#children.get(pid)
    this.#children.delete(pid)
    child?.ended(code, signal)
    for (const [id, waiting] of this.#waiting) {
      const message = signal ? `killed by ${signal}` : `exited with code ${code ?? 0}`
      if (waiting.pid === pid) this.#refuse(id, { kind: 'ended', message, stderr: [], hadLoaded: false })
    }
    this.#mayEnd()
  }

  #refuse(id: number, why: NoFork): void {
    const waiting = this.#waiting.get(id)
    this.#forget(id)
    waiting?.onNone(why)
    this.#mayEnd()
  }

  #forget(id: number): void {
    this.#waiting.delete(id)
    // Whoever waits keeps the program alive, and then the worker does; their parent alone does not.
    if (this.#waiting.size === 0) this.#control.unref()
  }

  #mayEnd(): void {
    if (this.#children.size > 0 || this.#waiting.size > 0) return
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => this.kill(), LINGER_MS).unref()
  }

  /** The parent is gone: who waits is told, and its workers go on alone. */
  #end(message: string): void {
    if (!parents.delete(this)) return
    releaseGroup(this.#child)
    clearTimeout(this.#linger)
    this.#onEnd()
    this.#server.close()
    this.removeFolder()
    const heardAll = this.#control.destroyed ? Promise.resolve() : lastWords(this.#control)
    void heardAll.then(() => {
      this.#control.destroy()
      const ended = { kind: 'ended', message, stderr: this.#stderr, hadLoaded: this.#isReady } as const
      const why = this.#none ?? ended
      for (const id of [...this.#waiting.keys()]) this.#refuse(id, why)
      clearTimeout(this.#linger)
      for (const child of this.#children.values()) child.orphaned()
    })
  }

  #listenToLines(): void {
    const { stdout, stderr } = this.#child
    const tell = (level: 'info' | 'warn', line: string) => {
      const [first] = this.#waiting.values()
      first?.onLine(level, line)
    }
    if (stdout) eachLine(stdout, (line) => tell('info', line))
    if (!stderr) return
    eachLine(stderr, (line) => {
      if (this.#stderr.push(line) > STDERR_LINES) this.#stderr.shift()
      tell('warn', line)
    })
  }
}

const spawnParent = ({ load }: WorkerSpec, { command, args, env }: WorkerCommand): ChildProcess =>
  spawn(command, [...args, '--parent'], {
    cwd: load.modelDir,
    // No pool of threads may be there before a fork: each worker is given its own afterwards.
    env: { ...env, OMP_NUM_THREADS: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })

function streamsOf(streams: ReadonlyMap<number, Socket>): ForkedStreams | undefined {
  const [stdout, stderr, channel] = [1, 2, 3].map((descriptor) => streams.get(descriptor))
  return stdout && stderr && channel ? { stdout, stderr, channel } : undefined
}

function unref(handle: unknown): void {
  if (handle instanceof Socket) handle.unref()
}
