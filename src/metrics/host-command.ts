/**
 * A command of the operator's that measures the host in place of the built-in meter, as TorchServe runs it
 * (contract metrics §8.2): the workers' process ids on stdin, a metric a line on stdout until an empty line.
 */
import { spawn } from 'node:child_process'
import { MarinaError } from '../errors.js'
import type { HostValue } from './host.js'

/** How the command is run. */
export interface HostCommandOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly pids: readonly number[]
  /** A command that takes longer is killed. */
  readonly timeoutMs: number
  /** Kills it. */
  readonly signal: AbortSignal
  /** Told what it says on stderr; no more once the signal has come. */
  readonly complain: (text: string) => void
}

// Far more than any collector says.
const MOST_BYTES = 2 ** 20
const LINE = /^\s*([\w\s]+?)\.[\w\s]+:([-+\d.eE]+)\|#([^|]*)\|#hostname:/

/** Runs it once. @throws MarinaError `misuse` when it cannot be started, fails, hangs, says too much, or is killed by the signal */
export async function measureByCommand(options: HostCommandOptions): Promise<readonly HostValue[]> {
  const { command, args, env, pids, timeoutMs, signal, complain } = options
  signal.throwIfAborted()
  const limits = { timeout: timeoutMs, signal, killSignal: 'SIGKILL' } as const
  const child = spawn(command, [...args], { env, stdio: 'pipe', ...limits })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (stdout.length > MOST_BYTES) child.kill('SIGKILL')
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)))
  // One that reads nothing may be gone before it is written to.
  child.stdin.on('error', () => undefined)
  child.stdin.end(`${pids.join(',')}\n`)
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      // A process that it has started may hold the other ends for as long as it likes.
      for (const pipe of [child.stdout, child.stderr]) pipe.destroy()
      resolve(error.message)
    })
    child.once('close', (code, killedBy) =>
      resolve(code === 0 ? '' : `it ended with ${killedBy ?? `code ${code}`}`),
    )
  })
  if (stderr.trim() !== '' && !signal.aborted) complain(stderr.trim())
  if (how !== '') throw new MarinaError('misuse', `${[command, ...args].join(' ')}: ${how}.`)
  return valuesOf(stdout)
}

/** The metrics of an output; what follows the first empty line is the workers' memory, which is looked up elsewhere. */
export function valuesOf(output: string): HostValue[] {
  const [metrics = ''] = output.split(/\n\s*\n/, 1)
  return metrics.split('\n').flatMap((line) => {
    const [, name = '', text = '', dimensions = ''] = LINE.exec(line) ?? []
    const value = Number(text)
    if (name === '' || text === '' || !Number.isFinite(value)) return []
    const labels = dimensions.split(',').flatMap((pair) => {
      const [, label] = pair.split(':')
      return label === undefined ? [] : [label]
    })
    return [{ name, value, labels }]
  })
}
