/** Real Python workers for tests: the program of python/, and processes of it that run a handler written down in the test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { pythonWorkerCommand, type PythonOptions } from '../../src/worker/python-command.js'
import { TestWorker } from './real-worker.js'
import type { WorkerSpec } from '../../src/worker/worker.js'

/** How a worker of a test is started. */
export interface PythonWorkerOptions {
  /** The text of handler.py. */
  readonly source?: string
  /** Further files of the model's folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly load?: Partial<WorkerSpec['load']>
  /** The manifest's model; its other fields stand. */
  readonly manifest?: Readonly<Record<string, unknown>>
  readonly options?: Partial<PythonOptions>
}

/** Gives each body back. */
export const ECHO = `
def handle(data, context):
    return [row.get("body") for row in data] if data else None
`

/** Starts workers, each with a folder of its own, and ends them all. */
export class PythonWorkers {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'marina-python-')))
  readonly #started: TestWorker[] = []

  start({
    source = ECHO,
    files = {},
    load = {},
    manifest = {},
    options = {},
  }: PythonWorkerOptions = {}): TestWorker {
    const modelDir = join(this.#folder, `model-${this.#started.length}`)
    const model = { modelName: 'packed', modelVersion: '1.0', handler: 'handler.py', ...manifest }
    const all = {
      'handler.py': source,
      'MAR-INF/MANIFEST.json': JSON.stringify({ runtime: 'python', model }),
      ...files,
    }
    writeFiles(modelDir, all)
    const worker = new TestWorker(specOf(modelDir, load), (spec: WorkerSpec) =>
      pythonWorkerCommand(spec, {
        executable: 'python3',
        environment: process.env,
        decodeInput: true,
        allowPickles: true,
        ...options,
      }),
    )
    this.#started.push(worker)
    return worker
  }

  /** The environment in which Python also imports from a folder with these files. */
  importing(files: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const folder = mkdtempSync(join(this.#folder, 'path-'))
    writeFiles(folder, files)
    const PYTHONPATH = [folder, process.env['PYTHONPATH']].filter(Boolean).join(delimiter)
    return { ...process.env, PYTHONPATH }
  }

  /** A worker that is loaded. */
  async ready(options: PythonWorkerOptions = {}): Promise<TestWorker> {
    const worker = this.start(options)
    await worker.message('loaded')
    return worker
  }

  /** Ends all that was started, and removes the files. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((worker) => worker.end()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, data] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), data)
  }
}

function specOf(modelDir: string, load: Partial<WorkerSpec['load']>): WorkerSpec {
  const defaults = {
    model: 'm',
    version: '1.0',
    handler: 'handler.py',
    batchSize: 4,
    threads: 1,
    device: 'cpu',
  }
  return { slot: 9000, runtime: 'python', load: { ...defaults, retryItems: true, modelDir, ...load } }
}
