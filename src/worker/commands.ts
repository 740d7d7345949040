/** Which program runs a worker, by the runtime of its archive, and what of the server's environment it gets. */
import { nodeWorkerCommand, type WorkerCommand } from './node-command.js'
import { pythonWorkerCommand, type PythonOptions } from './python-command.js'
import type { WorkerSpec } from './worker.js'

/** What workers are started with. */
export interface CommandOptions {
  readonly environment: NodeJS.ProcessEnv
  /** Arguments of `node` itself. */
  readonly nodeArguments?: readonly string[]
  /** Arguments of `python` itself. */
  readonly pythonArguments?: readonly string[]
  /** Asked at each start of a Python worker; what it throws ends that start. */
  readonly python: () => PythonOptions
}

/** Makes the table of the runtimes. */
export function workerCommands(options: CommandOptions): (spec: WorkerSpec) => WorkerCommand {
  const table: Readonly<Record<WorkerSpec['runtime'], (spec: WorkerSpec) => WorkerCommand>> = {
    node: (spec) => {
      const command = nodeWorkerCommand(spec, options.environment)
      return { ...command, args: [...(options.nodeArguments ?? []), ...command.args] }
    },
    python: (spec) => {
      const python = options.python()
      const executable = spec.python ?? python.executable
      const command = pythonWorkerCommand(spec, { ...python, executable })
      return { ...command, args: [...(options.pythonArguments ?? []), ...command.args] }
    },
  }
  return (spec) => {
    const command = table[spec.runtime](spec)
    if (spec.visibleGpus === undefined) return command
    return { ...command, env: { ...command.env, CUDA_VISIBLE_DEVICES: spec.visibleGpus } }
  }
}

/** A copy of an environment without the variables that workers must not see. */
export function visibleEnvironment(
  environment: NodeJS.ProcessEnv,
  hides: (name: string) => boolean,
): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !hides(name)))
}
