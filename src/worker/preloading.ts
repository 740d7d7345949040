/** Workers of one model that start by fork from one parent, which has loaded it; what cannot be forked starts alone. */
import type { ForkedChild, WorkerChild } from './forked-child.js'
import type { WorkerCommand } from './node-command.js'
import { ParentProcess, type NoFork } from './parent-process.js'
import type { Worker, WorkerEvent, WorkerExit, WorkerFactory, WorkerSpec } from './worker.js'

type OnEvent = (event: WorkerEvent) => void

/** Makes the worker over a process that runs already. */
export type OverChild = (spec: WorkerSpec, onEvent: OnEvent, child: WorkerChild) => Worker

/** What the factory stands on. */
export interface PreloadingDeps {
  /** Starts a worker as a process of its own. */
  readonly alone: WorkerFactory
  readonly overChild: OverChild
  readonly commandOf: (spec: WorkerSpec) => WorkerCommand
}

/** The factory that forks what asks for it. Parents are known by the folder of their generation, which no other has. */
export function withParents(deps: PreloadingDeps): WorkerFactory {
  const parents = new Map<string, ParentProcess>()
  const unsafe = new Set<string>()
  const parentOf = (spec: WorkerSpec): ParentProcess => {
    const { modelDir } = spec.load
    const known = parents.get(modelDir)
    if (known) return known
    const onEnd = () => parents.delete(modelDir)
    const parent = new ParentProcess(spec, { command: deps.commandOf(spec), onEnd })
    parents.set(modelDir, parent)
    return parent
  }
  return (spec, onEvent) => {
    const { modelDir, device } = spec.load
    // A CUDA context does not outlive a fork.
    const isForkable = spec.preload === true && spec.runtime === 'python' && device === 'cpu'
    if (!isForkable || unsafe.has(modelDir)) return deps.alone(spec, onEvent)
    const onUnsafe = () => unsafe.add(modelDir)
    return new AwaitedWorker(spec, { ...deps, onEvent, onUnsafe, parent: () => parentOf(spec) })
  }
}

interface AwaitedDeps extends PreloadingDeps {
  readonly onEvent: OnEvent
  readonly onUnsafe: () => void
  /** The parent of the model, started if there is none. */
  readonly parent: () => ParentProcess
}

type AwaitedState =
  | { readonly kind: 'waiting'; readonly withdraw: () => void }
  | { readonly kind: 'there'; readonly worker: Worker }
  | { readonly kind: 'gone' }

/** A worker that is there once its parent has forked it; until then it holds nothing, for nobody has work for it. */
class AwaitedWorker implements Worker {
  readonly #spec: WorkerSpec
  readonly #deps: AwaitedDeps
  #state: AwaitedState
  #mayAskAgain = true

  constructor(spec: WorkerSpec, deps: AwaitedDeps) {
    this.#spec = spec
    this.#deps = deps
    this.#state = this.#ask()
  }

  #ask(): AwaitedState {
    try {
      const withdraw = this.#deps.parent().fork({
        onFork: (child) => this.#onFork(child),
        onNone: (why) => this.#onNone(why),
        onLine: (level, message) =>
          this.#deps.onEvent({ kind: 'message', message: { kind: 'log', level, message } }),
      })
      return { kind: 'waiting', withdraw }
    } catch {
      // Whatever is the matter with the process shows when it is started as any other, and is reported there.
      return { kind: 'there', worker: this.#deps.alone(this.#spec, this.#deps.onEvent) }
    }
  }

  get congested(): boolean {
    return this.#state.kind === 'there' && this.#state.worker.congested
  }

  send(message: Parameters<Worker['send']>[0]): void {
    if (this.#state.kind === 'there') this.#state.worker.send(message)
  }

  kill(): void {
    if (this.#state.kind === 'there') this.#state.worker.kill()
    if (this.#state.kind !== 'waiting') return
    this.#state.withdraw()
    queueMicrotask(() => this.#exit('killed by SIGKILL'))
  }

  #onFork(child: ForkedChild): void {
    const { overChild, commandOf, onEvent } = this.#deps
    // Whoever set it knows better than the plan.
    const threads = Number(commandOf(this.#spec).env['OMP_NUM_THREADS']) || this.#spec.load.threads
    const spec = { ...this.#spec, load: { ...this.#spec.load, threads } }
    this.#state = { kind: 'there', worker: overChild(spec, onEvent, child) }
  }

  #onNone(why: NoFork): void {
    const { alone, onEvent, onUnsafe } = this.#deps
    switch (why.kind) {
      case 'unsafe': {
        const message = `The handler cannot be preloaded: ${why.why}. Its workers are started one by one.`
        onUnsafe()
        onEvent({ kind: 'message', message: { kind: 'log', level: 'warn', message } })
        this.#state = { kind: 'there', worker: alone(this.#spec, onEvent) }
        return
      }
      case 'load-failed':
        onEvent({ kind: 'message', message: { kind: 'load-failed', ...why.failure } })
        this.#exit('exited with code 1', { code: 1, stderr: why.stderr })
        return
      case 'ended':
        // A parent that was killed just now is no fault of the model.
        if (why.hadLoaded && this.#mayAskAgain) {
          this.#mayAskAgain = false
          this.#state = this.#ask()
          return
        }
        this.#exit(why.message, { stderr: why.stderr })
        return
      default:
        why satisfies never
    }
  }

  #exit(message: string, exit: Partial<WorkerExit> = {}): void {
    if (this.#state.kind === 'gone') return
    this.#state = { kind: 'gone' }
    this.#deps.onEvent({ kind: 'exited', exit: { message, stderr: [], ...exit } })
  }
}
