/** `marina serve` in a process of its own, for commands that need a server: on the words they give, until they stop it. */
import { fork, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { MarinaError, messageOf } from '../errors.js'

/** The server's addresses, URLs without a path. */
export interface ServerUrls {
  readonly inference: string
  readonly management: string
  readonly metrics: string
}

/** A server that listens. */
export interface ServerProcess extends ServerUrls {
  /** Settles with how it ended: after a failure its last line on stderr, else its exit code. */
  readonly exited: Promise<string>
  /** Asks it to end, and waits until it has answered what had arrived. */
  stop(): Promise<void>
}

/** What it is started with. */
export interface ServerProcessOptions {
  /** Further words of `marina serve`. */
  readonly words: readonly string[]
  readonly signal: AbortSignal
  /** The message for a server that ended before it was ready; default: its own text. */
  readonly explain?: (text: string) => string
}

const WORDS = ['serve', '--json', '--log-format', 'json', '--log-level', 'warn']

/**
 * Starts it.
 * @throws MarinaError `cannot-listen` with the server's own text; the signal's reason. Nothing is left running then.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { words, signal, explain = (text: string) => text } = options
  const main = createRequire(import.meta.url)
    .resolve('marina/package.json')
    .replace(/package\.json$/, 'bin/marina.js')
  // A group of its own: Ctrl-C on a terminal must reach it through us, after what it answers has been answered.
  const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const
  const child = fork(main, [...WORDS, ...words], { stdio: [...stdio], execArgv: [], detached: true })
  let lastError: string | undefined
  if (child.stderr)
    createInterface({ input: child.stderr }).on('line', (line: string) => {
      lastError = line
    })
  const exited = new Promise<string>((resolve) => {
    const how = (code: number | string) => (code === 0 ? undefined : lastError) ?? `exit code ${code}`
    child.once('close', (code, name) => resolve(how(code ?? name ?? '')))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
  }
  const failed = exited.then((text) => {
    throw new MarinaError('cannot-listen', explain(text))
  })
  try {
    return { ...(await Promise.race([readyLine(child), failed, aborted(signal)])), exited, stop }
  } catch (error) {
    // It has nothing to answer yet.
    child.kill('SIGKILL')
    await exited
    throw error
  } finally {
    failed.catch(() => undefined)
  }
}

/** Rejects with the signal's reason when it is aborted. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    // Cast: a signal's reason is any value; ours are errors.
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })

async function readyLine({ stdout }: ChildProcess): Promise<ServerUrls> {
  if (!stdout) throw new MarinaError('cannot-listen', 'The server has no output.')
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: stdout }).once('line', resolve)
  })
  try {
    return (JSON.parse(line) as { addresses: ServerUrls }).addresses
  } catch (error) {
    throw new MarinaError(
      'cannot-listen',
      `The server said something unexpected: ${line} (${messageOf(error)})`,
    )
  }
}
