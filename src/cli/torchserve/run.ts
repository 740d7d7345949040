/** What `torchserve` does: looks for a server, starts one or stops it (contract server-config §2). */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../exit.js'
import { findServer, pidFilePath, removeOwnPidFile, removePidFile, type Found } from '../pid-file.js'
import { checkStart } from './checks.js'
import { parseTorchserveOptions, type TorchserveOptions } from './options.js'

/** The outside of the command. */
export interface TorchserveIo {
  readonly environment: NodeJS.ProcessEnv
  readonly cwd: string
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Starts the server in a process of its own that keeps our output, and returns its pid. */
  readonly spawnServer: (words: readonly string[]) => number
  /** Runs the server here until it has ended; the exit code. */
  readonly serve: (options: TorchserveOptions) => Promise<number>
  readonly writePid: (path: string, pid: number) => void
}

/** The version whose habits are followed. */
export const TORCHSERVE_VERSION = '0.12.0'

/** Runs the command with the words after its name; resolves with the exit code. */
export async function runTorchserve(words: readonly string[], io: TorchserveIo): Promise<number> {
  const options = parseTorchserveOptions(words)
  if ('exitCode' in options) {
    io.stdout(options.stdout)
    io.stderr(options.stderr)
    return options.exitCode
  }
  const pidFile = pidFilePath(io.environment)
  const found = findServer(pidFile)
  if (found.kind === 'gone') {
    io.stdout('Removing orphan pid file.\n')
    removePidFile(pidFile)
  }
  if (options.version) {
    io.stdout(`TorchServe Version is ${TORCHSERVE_VERSION}\n`)
    return EXIT.done
  }
  return options.stop ? stop(found, { options, pidFile, io }) : start(found, { options, words, pidFile, io })
}

interface Call {
  readonly options: TorchserveOptions
  readonly pidFile: string
  readonly io: TorchserveIo
}

async function start(
  found: Found,
  { options, words, pidFile, io }: Call & { words: readonly string[] },
): Promise<number> {
  if (found.kind === 'running') {
    io.stdout('TorchServe is already running, please use torchserve --stop to stop TorchServe.\n')
    return EXIT.failed
  }
  const checked = checkStart(options, io)
  for (const notice of checked.notices) io.stdout(`${notice}\n`)
  if (checked.failure !== undefined) {
    io.stdout(`${checked.failure}\n`)
    return EXIT.failed
  }
  if (!options.foreground) {
    io.writePid(pidFile, io.spawnServer(words))
    return EXIT.done
  }
  // The server is this process, so that it gets the signals that a container's first process gets.
  io.writePid(pidFile, process.pid)
  try {
    return await io.serve(options)
  } finally {
    removeOwnPidFile(pidFile, process.pid)
  }
}

const STOP_TIMEOUT_MS = 60_000

async function stop(found: Found, { options, pidFile, io }: Call): Promise<number> {
  if (found.kind !== 'running') {
    io.stdout('TorchServe is not currently running.\n')
    return EXIT.done
  }
  io.stdout(await stopProcess(found.pid, { wait: options.foreground, pidFile }))
  removePidFile(pidFile)
  rmSync(join(io.cwd, 'key_file.json'), { force: true })
  return EXIT.done
}

/** What is to be printed; without `wait` nobody knows whether the server has ended, and the original says so all the same. */
async function stopProcess(
  pid: number,
  { wait, pidFile }: { wait: boolean; pidFile: string },
): Promise<string> {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    return 'TorchServe already stopped.\n'
  }
  if (!wait) return 'TorchServe has stopped.\n'
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS
  // Another process's end cannot be awaited, only looked for.
  while (findServer(pidFile).kind === 'running') {
    if (performance.now() > deadlineMs) return 'Stopping TorchServe took too long.\n'
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return ''
}
