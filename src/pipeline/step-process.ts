/** Runs one step in a process of its own, and ends that process and all that it started when the run is stopped. */
import { fork, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { errorTable, MarinaError, type ErrorCode } from '../errors.js'
import { howEnded } from './command.js'
import { stepDied, stepFailed } from './errors.js'
import type { RunMessage, StepEnd, StepMessage, ThrownError } from './messages.js'
import type { Params, Progress } from './step.js'

/** What a step's process is started with. */
export interface StepCall extends RunMessage {
  readonly step: string
}

/** Where a running step's news go. */
export interface StepNews {
  onProgress(progress: Progress): void
  onLog(text: string): void
}

/** What a step came to. */
export interface StepOutcome {
  readonly report: Params
  /** The most bytes that its process had resident; undefined for a command. */
  readonly peakMemoryBytes: number | undefined
}

/** Time in which a step may leave by itself when the run is stopped. */
const GRACE_MS = 5000
/** Lines of output that an error shows. */
const LAST_LINES = 10

/**
 * Runs a step to its end.
 * @param options.stepMain path of the program in `step-main.ts`, compiled
 * @throws MarinaError `step-failed`, or the code of the error that the step threw; the signal's reason when it was aborted
 */
export async function runStepProcess(
  { step, ...message }: StepCall,
  { stepMain, signal, news }: { stepMain: string; signal: AbortSignal; news: StepNews },
): Promise<StepOutcome> {
  signal.throwIfAborted()
  const child = fork(stepMain, [], {
    cwd: message.folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: ['--enable-source-maps'],
    detached: true,
  })
  const heard = listen(child, news)
  const lastLines: string[] = []
  const onLine = (line: string) => {
    if (lastLines.push(line) > LAST_LINES) lastLines.shift()
    news.onLog(line)
  }
  const ended = Promise.all([exitOf(child), readLines(child.stdout, onLine), readLines(child.stderr, onLine)])
  const release = stopOnAbort(child, signal)
  // A child that is gone before it heard is seen by its exit.
  child.send(message, () => undefined)
  const [exit] = await ended.finally(release)
  signal.throwIfAborted()
  const { report, end } = heard()
  switch (end?.kind) {
    case 'done':
      return { report, peakMemoryBytes: end.peakMemoryBytes }
    case 'failed':
      throw failureOf(step, end.error, news)
    case 'command-ended':
      if (end.how === '') return { report, peakMemoryBytes: undefined }
      throw stepDied(step, end.how, lastLines)
    case undefined:
      throw stepDied(step, exit || 'without saying that it was done', lastLines)
  }
}

/** Hands news on as they come; the returned function says what the step has said of itself until then. */
function listen(child: ChildProcess, news: StepNews): () => { report: Params; end: StepEnd | undefined } {
  let report: Params = {}
  let end: StepEnd | undefined
  child.on('message', (raw) => {
    const message = raw as StepMessage
    switch (message.kind) {
      case 'progress': {
        news.onProgress(message.progress)
        return
      }
      case 'log': {
        news.onLog(message.text)
        return
      }
      case 'report':
        report = { ...report, ...message.figures }
        return
      case 'done':
      case 'failed':
      case 'command-ended':
        end = message
        return
      default:
        message satisfies never
    }
  })
  return () => ({ report, end })
}

/** '' for exit code 0, else how the process ended. Whatever the step started and left running is ended with it. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`before it began: ${error.message}`))
    // Not `close`: a forgotten child of the step may hold its output open for ever.
    child.once('exit', () => killGroup(child, 'SIGKILL'))
    child.once('close', (code, signal) => resolve(howEnded(code, signal)))
  })
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (!stream) return
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line)
}

/** Asks the step to leave when the signal is aborted, and makes it leave when it does not. */
function stopOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    killGroup(child, 'SIGTERM')
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function killGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // All of it has gone by itself.
  }
}

function failureOf(step: string, error: ThrownError, news: StepNews): MarinaError {
  const { message, code, stack } = error
  if (code !== undefined && code in errorTable) {
    return new MarinaError(code as ErrorCode, `Step '${step}': ${message}`, { cause: error })
  }
  if (stack) news.onLog(stack)
  return stepFailed(step, new Error(message))
}
