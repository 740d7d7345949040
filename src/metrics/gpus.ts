/** What `nvidia-smi` says of all GPUs of this machine. */
import { execFile } from 'node:child_process'

/** One GPU at one moment. */
export interface GpuReading {
  readonly index: number
  /** Percent of the time in which it computed, and in which its memory was read or written. */
  readonly busy: number
  readonly memoryBusy: number
  readonly memoryUsedMiB: number
  readonly memoryTotalMiB: number
}

/** Runs a command; resolves with what it printed. */
export type RunCommand = (command: string, args: readonly string[]) => Promise<string>

const PATIENCE_MS = 5_000
const FIELDS = ['index', 'utilization.gpu', 'utilization.memory', 'memory.used', 'memory.total']
const LINE = /^\s*\d+(, \d+(\.\d+)?){4}\s*$/
const ARGUMENTS = [`--query-gpu=${FIELDS.join()}`, '--format=csv,noheader,nounits']

/** Asks it. A line that says anything else is left out. @throws Error where there is no such command, or it fails or hangs */
export async function readGpus(run: RunCommand = runCommand): Promise<readonly GpuReading[]> {
  const csv = await run('nvidia-smi', ARGUMENTS)
  return csv.split('\n').flatMap((line) => {
    if (!LINE.test(line)) return []
    const [index = 0, busy = 0, memoryBusy = 0, memoryUsedMiB = 0, memoryTotalMiB = 0] = line
      .split(',')
      .map(Number)
    return [{ index, busy, memoryBusy, memoryUsedMiB, memoryTotalMiB }]
  })
}

const runCommand: RunCommand = (command, args) =>
  new Promise((resolve, reject) => {
    execFile(command, args, { timeout: PATIENCE_MS }, (error, stdout) => {
      if (error) reject(new Error(error.message))
      else resolve(stdout)
    })
  })
