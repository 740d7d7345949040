/** How a Python worker is run: its program, and the environment that handlers written for TorchServe rely on. */
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname } from 'node:path'
import type { WorkerCommand } from './node-command.js'
import type { WorkerSpec } from './worker.js'

/** What Python workers are run with, beside their model. */
export interface PythonOptions {
  /** The interpreter; `findPython` says which. */
  readonly executable: string
  /** What of the server's environment workers get. */
  readonly environment: NodeJS.ProcessEnv
  /** Text and JSON bodies reach handlers decoded. */
  readonly decodeInput: boolean
  /** Files of weights that run code when they are read are read all the same. */
  readonly allowPickles: boolean
  /** For handlers that ask: the Intel extension, on processors and on GPUs. */
  readonly ipex?: boolean
  readonly ipexGpu?: boolean
}

const program = () => createRequire(import.meta.url).resolve('#worker-python')

/** The command of a Python worker (contract python-handlers §1.1). */
export function pythonWorkerCommand(spec: WorkerSpec, options: PythonOptions): WorkerCommand {
  const entry = program()
  const { environment, decodeInput, allowPickles, ipex = false, ipexGpu = false } = options
  const path = importPath(spec.load, environment['PYTHONPATH'], dirname(dirname(entry)))
  const env = {
    // Whoever set it knows better than the plan.
    OMP_NUM_THREADS: String(spec.load.threads),
    // OpenMP's threads sleep while they wait: another process may hold the core of the one that they wait for.
    OMP_WAIT_POLICY: 'passive',
    ...environment,
    PYTHONPATH: path.join(delimiter),
    TS_DECODE_INPUT_REQUEST: String(decodeInput),
    MARINA_ALLOW_PICKLES: String(allowPickles),
    TS_IPEX_ENABLE: String(ipex),
    TS_IPEX_GPU_ENABLE: String(ipexGpu),
  }
  return { command: options.executable, args: [entry], env }
}

/** The handler's own folder where a function is named after it, the server's path, the model's folder, then our `ts`. */
function importPath(
  { handler, modelDir, installedTs = false }: WorkerSpec['load'],
  inherited: string | undefined,
  library: string,
): string[] {
  const colon = handler.indexOf(':')
  const before = colon < 0 ? '' : handler.slice(0, Math.max(0, handler.lastIndexOf('/', colon)))
  const own = installedTs ? '' : library
  return [before, ...(inherited ?? '').split(delimiter), realpathSync(modelDir), own].filter(
    (folder) => folder !== '',
  )
}
