/** One model for the caller's own program: no ports, no registry of others, workers in processes of their own. */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSource } from '../archive/project-generation.js'
import { openStateFolders, type StateFolders } from '../archive/state-folders.js'
import { systemClock } from '../clock.js'
import type { Config } from '../config/config.js'
import { defaultConfig } from '../config/load.js'
import { MarinaError } from '../errors.js'
import { silentLogger, type Logger } from '../log.js'
import { visibleEnvironment, workerCommands } from '../worker/commands.js'
import { createWorkerFactory } from '../worker/process.js'
import { createPythonRuntime } from '../worker/python-runtime.js'
import { noMetrics } from './metrics.js'
import { answerOf, encodeInput, valueOf, type ModelAnswer, type ModelInput } from './model-answer.js'
import { createServing, type Serving } from './serving.js'

/** How a model is loaded. */
export interface LoadOptions {
  /** Worker processes; each runs one batch at a time. Default 1. */
  readonly workers?: number
  /** The interpreter of a Python handler; default: that of the active virtual environment, then `python3`. */
  readonly python?: string
  /** Where the workers' log records go; default: nowhere. */
  readonly log?: Logger
  /** Aborted while it loads, the load rejects with its reason and leaves nothing behind. */
  readonly signal?: AbortSignal
}

/** One request's circumstances. */
export interface AskOptions {
  /** Media type of the input; default: `text/plain` for text, `application/json` for objects, none for bytes. */
  readonly contentType?: string
  /** Request headers that the handler may read. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default `predict`. */
  readonly operation?: 'predict' | 'explain'
  /** Aborted, the answer is not waited for any more. */
  readonly signal?: AbortSignal
}

/**
 * A loaded model. Whoever loaded it closes it: `await using model = await load(…)`, or `close()`; until then its workers
 * keep the process alive. `Answer` is the caller's word for what the handler answers; nothing checks it.
 */
export interface LoadedModel<Answer = unknown> {
  readonly name: string
  readonly version: string
  /**
   * The answer's value: parsed JSON, text, or bytes, as the answer says itself.
   * @throws MarinaError `bad-request` or `prediction-failed` when the handler failed the request, else as `ask`
   */
  predict(input: ModelInput, options?: AskOptions): Promise<Answer>
  /**
   * The answer as HTTP would carry it; a request that the handler failed on purpose is answered with its status and text.
   * @throws MarinaError `prediction-failed` with the handler's exception and its `file:line`, `worker-failed` when the
   * worker died with it, `request-timeout`, `queue-full`, `stopped` after `close`; the signal's reason
   */
  ask(input: ModelInput, options?: AskOptions): Promise<ModelAnswer>
  /** Answers what was asked, and ends the workers. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Loads an archive, an unpacked one, or a project folder, and answers its stored examples once. Rejects with
 * `model-not-found`, with the errors of `openArchive` and `readProject`, and with `worker-failed` when its handler does
 * not load, saying why; nothing is left behind then.
 */
export async function loadModel<Answer>(
  source: string | URL,
  options: LoadOptions = {},
): Promise<LoadedModel<Answer>> {
  options.signal?.throwIfAborted()
  const folders = await openStateFolders()
  const serving = compose(options, folders)
  const close = once(async () => {
    await serving.catalog.close()
    await folders.remove()
  })
  try {
    const url = resolve(source instanceof URL ? fileURLToPath(source) : source)
    const { name, version } = await orAborted(registered(serving, url), options.signal)
    return modelOf<Answer>(serving, { name, version, close })
  } catch (error) {
    await close()
    throw error
  }
}

async function registered({ catalog }: Serving, url: string) {
  const model = await catalog.register({ url })
  await model.ready
  return model
}

/** When all is answered: for the handler's `dispose`, and for work that was cancelled and goes on. Then it is killed. */
const CLOSE_GRACE_MS = 2_000

function compose({ workers = 1, python, log = silentLogger }: LoadOptions, folders: StateFolders): Serving {
  const defaults = defaultConfig('marina')
  const config: Config = {
    ...defaults,
    workersPerModel: workers,
    drainTimeoutMs: CLOSE_GRACE_MS,
    verboseErrors: true,
    python,
  }
  const { decodeInput, allowPickles, ipex, ipexGpu } = config
  const environment = visibleEnvironment(process.env, () => false)
  const runtime = createPythonRuntime(
    { setting: python, environment, decodeInput, allowPickles, ipex, ipexGpu },
    log,
  )
  const commandOf = workerCommands({ environment, python: () => runtime.options() })
  return createServing({
    config,
    factory: createWorkerFactory({ commandOf }),
    openGeneration: (path) => openSource(path, folders),
    prepareRuntime: (kind, model) =>
      kind === 'node' ? Promise.resolve(undefined) : runtime.prepareModel(model),
    clock: systemClock,
    log,
    metrics: noMetrics,
  })
}

function modelOf<Answer>(
  serving: Serving,
  { name, version, close }: Pick<LoadedModel, 'name' | 'version' | 'close'>,
): LoadedModel<Answer> {
  let isClosed = false
  const never = new AbortController().signal
  const waiting = new Set<Promise<unknown>>()
  const send = async (given: ModelInput, options: AskOptions) => {
    const { signal = never, operation = 'predict' } = options
    signal.throwIfAborted()
    const { input, contentType } = encodeInput(given, options.contentType)
    const typed = contentType === undefined ? {} : { 'content-type': contentType }
    const { outcome } = await serving.infer({
      id: randomUUID(),
      model: name,
      version: undefined,
      operation,
      headers: { ...typed, ...options.headers },
      input,
      signal,
      receivedMs: systemClock.nowMs(),
    })
    if (outcome.kind === 'cancelled') signal.throwIfAborted()
    return answerOf(outcome)
  }
  const ask = async (input: ModelInput, options: AskOptions = {}) => {
    if (isClosed) throw new MarinaError('stopped', `The model ${name} has been closed.`)
    const answer = send(input, options)
    waiting.add(answer)
    return answer.finally(() => waiting.delete(answer))
  }
  const end = async () => {
    isClosed = true
    await Promise.allSettled(waiting)
    await close()
  }
  return {
    name,
    version,
    ask,
    // Cast: what an archive answers is its handler's affair, and the caller's word is taken for it.
    predict: async (input, options) => valueOf(await ask(input, options)) as Answer,
    close: end,
    [Symbol.asyncDispose]: end,
  }
}

/** Rejects with the signal's reason when that comes first. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  let stopListening: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    // Cast: a signal's reason is any value; whoever aborted chose it.
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    stopListening = () => signal.removeEventListener('abort', onAbort)
  })
  return Promise.race([work, aborted]).finally(stopListening)
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= action())
}
