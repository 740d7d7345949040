/** How a Node worker is run: its program, and its environment. */
import { createRequire } from 'node:module'
import type { WorkerSpec } from './worker.js'

/** How to run the program inside a worker. */
export interface WorkerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** The command of a Node worker; threads of native libraries are bounded by the environment too. */
export function nodeWorkerCommand(spec: WorkerSpec, environment = process.env): WorkerCommand {
  const entry = createRequire(import.meta.url).resolve('#worker-node')
  const threads = String(spec.load.threads)
  return {
    command: process.execPath,
    args: ['--enable-source-maps', entry],
    env: { ...environment, OMP_NUM_THREADS: threads, VIPS_CONCURRENCY: threads },
  }
}
