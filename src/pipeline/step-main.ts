/**
 * The program of a step's process: runs the step's bundle or command, and tells the run how it goes. It leads a process
 * group of its own, so that Ctrl-C reaches it through the run only, and whatever it started ends with it.
 */
import { readFileSync } from 'node:fs'
import { MarinaError, messageOf } from '../errors.js'
import { importDefault } from './code.js'
import { runCommand } from './command.js'
import { parseStep } from './load.js'
import type { RunMessage, StepEnd, StepMessage, ThrownError } from './messages.js'
import type { Progress } from './step.js'

/** Progress is told at most this often, in milliseconds. */
const PROGRESS_EVERY_MS = 100

const stopping = new AbortController()
process.on('SIGTERM', () => stopping.abort(new Error('The run was stopped.')))
process.once('message', (message) => void runStep(message as RunMessage))
// The run is gone, however it went, and with it everyone who would take the outputs.
process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'))

const tell = (message: StepMessage) =>
  new Promise<void>((resolve) => {
    if (!process.send?.(message, undefined, {}, () => resolve())) resolve()
  })

async function runStep(message: RunMessage): Promise<void> {
  await tell(await endOf(message))
  // Native threads and forgotten timers must not keep a step that is done.
  process.exit(0)
}

async function endOf({ runs, ...context }: RunMessage): Promise<StepEnd> {
  try {
    if ('words' in runs) return { kind: 'command-ended', how: await runCommand(runs.words, context) }
    const step = parseStep(await importDefault(runs.bundle), runs.bundle)
    await step.run({
      ...context,
      signal: stopping.signal,
      progress: throttled((progress) => void tell({ kind: 'progress', progress })),
      log: (text) => void tell({ kind: 'log', text }),
      report: (figures) => void tell({ kind: 'report', figures }),
    })
    return { kind: 'done', peakMemoryBytes: peakMemoryBytes() }
  } catch (error) {
    return { kind: 'failed', error: describe(error) }
  }
}

function throttled(tellProgress: (progress: Progress) => void): (progress: Progress) => void {
  let toldMs = -Infinity
  return (progress) => {
    const nowMs = performance.now()
    if (nowMs - toldMs < PROGRESS_EVERY_MS && progress.done < progress.total) return
    toldMs = nowMs
    tellProgress(progress)
  }
}

/** getrusage(2) counts what the parent had when it forked; the kernel's own mark begins with this program. */
function peakMemoryBytes(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}

function describe(error: unknown): ThrownError {
  if (!(error instanceof Error)) return { message: messageOf(error) }
  const { message, stack } = error
  // By name: the step may have another copy of the class.
  const code = error.name === MarinaError.name && 'code' in error ? String(error.code) : undefined
  return { message, ...(code === undefined ? {} : { code }), ...(stack === undefined ? {} : { stack }) }
}
