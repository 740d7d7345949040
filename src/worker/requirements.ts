/**
 * Python environments for models that bring a requirements file: one for each content of that file, shared by versions, restarts
 * and servers of one user. An environment sees the packages of the Python that it was made of.
 */
import { spawn } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MarinaError } from '../errors.js'
import type { Logger } from '../log.js'
import { withLock } from './build-lock.js'
import { eachLine } from './child-streams.js'
import { killGroup } from './kill-group.js'

/** Lines of pip's that the error shows. */
const LAST_LINES = 15
const COMPLETE = 'marina-complete'
/** Hashed in a fraction of a millisecond. */
const PIECE_BYTES = 1 << 18

/** A model whose packages are to be installed. */
export interface Required {
  readonly model: string
  readonly modelDir: string
  /** Below `modelDir`. */
  readonly requirementsFile: string
  readonly signal: AbortSignal
}

/** What environments are made with. */
export interface EnvironmentDeps {
  /** Holds one folder for each environment. */
  readonly folder: string
  /** The interpreter that they are made of. */
  readonly python: string
  readonly environment: NodeJS.ProcessEnv
  readonly log: Logger
}

/**
 * The interpreter of the environment with the model's requirements, which is built when it is not there. Wheels beside the
 * requirements file are all that is installed from then: no index is asked. Rejects with `worker-failed` and pip's last lines;
 * nothing half-built is used ever.
 */
export async function environmentOf(required: Required, deps: EnvironmentDeps): Promise<string> {
  const wheels = (await readdir(required.modelDir)).filter((name) => name.endsWith('.whl')).sort()
  const home = join(deps.folder, await hashOf(required, { wheels, python: deps.python }))
  const python = join(home, 'bin', 'python')
  if (await isComplete(home)) return python
  await mkdir(deps.folder, { recursive: true, mode: 0o700 })
  await withLock(`${home}.lock`, required.signal, async () => {
    // Another server may have built it meanwhile.
    if (!(await isComplete(home))) await build(home, required, { ...deps, offline: wheels.length > 0 })
  })
  return python
}

const isComplete = (home: string): Promise<boolean> =>
  stat(join(home, COMPLETE)).then(
    () => true,
    () => false,
  )

/** Of all that decides what is in an environment: its Python, the requirements, and the wheels. */
async function hashOf(
  { model, modelDir, requirementsFile, signal }: Required,
  { wheels, python }: { wheels: readonly string[]; python: string },
): Promise<string> {
  const hash = createHash('sha256').update(`${python}\0`)
  const add = async (name: string, what: string) => {
    try {
      await addFile(hash, join(modelDir, name), signal)
    } catch (error) {
      signal.throwIfAborted()
      const text = `The ${what} ${name} of ${model} cannot be read. Pack it into the archive again.`
      throw new MarinaError('invalid-archive', text, { cause: error })
    }
  }
  hash.update('\0')
  await add(requirementsFile, 'requirements file')
  for (const name of wheels) {
    hash.update(`${name}\0`)
    await add(name, 'wheel')
  }
  return hash.digest('hex').slice(0, 32)
}

/** Piece by piece: a wheel may have gigabytes, and others are served meanwhile. */
async function addFile(hash: Hash, path: string, signal: AbortSignal): Promise<void> {
  const pieces: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: PIECE_BYTES, signal })
  for await (const piece of pieces) hash.update(piece)
}

interface BuildDeps extends EnvironmentDeps {
  readonly offline: boolean
}

async function build(home: string, required: Required, deps: BuildDeps): Promise<void> {
  const { model, modelDir, requirementsFile, signal } = required
  const started = performance.now()
  deps.log.info(`Installing the packages that ${model} requires (${requirementsFile}).`, { model })
  await rm(home, { recursive: true, force: true })
  const run = (command: string, args: readonly string[]) =>
    runToEnd(command, args, { cwd: modelDir, environment: deps.environment, signal })
  try {
    const python = join(home, 'bin', 'python')
    check(await run(deps.python, ['-m', 'venv', '--system-site-packages', '--without-pip', home]), model)
    // The pip of the Python below is quicker than a copy of its own; some Pythons come without.
    if ((await run(python, ['-m', 'pip', '--version'])).how !== '')
      check(await run(python, ['-m', 'ensurepip']), model)
    const where = deps.offline ? ['--no-index', '--find-links', modelDir] : []
    const words = ['install', '--disable-pip-version-check', '--no-input', '--no-color', ...where]
    check(await run(python, ['-m', 'pip', ...words, '-r', join(modelDir, requirementsFile)]), model)
    await writeFile(join(home, `${COMPLETE}.tmp`), '')
    await rename(join(home, `${COMPLETE}.tmp`), join(home, COMPLETE))
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  deps.log.info(`The packages that ${model} requires are installed (${seconds} s).`, { model })
}

interface Ended {
  /** '' for exit code 0. */
  readonly how: string
  readonly lines: readonly string[]
}

function check({ how, lines }: Ended, model: string): void {
  if (how === '') return
  const said = lines.map((line) => `\n  ${line}`).join('')
  const text = `The packages that ${model} requires could not be installed: ${how}. The last lines were:${said}`
  throw new MarinaError('worker-failed', text)
}

/** Rejects with the signal's reason; the command and what it started are ended then. */
function runToEnd(
  command: string,
  args: readonly string[],
  { cwd, environment, signal }: { cwd: string; environment: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Ended> {
  signal.throwIfAborted()
  // What the server's PYTHONPATH names is not in the environment, and must not count as installed there.
  const env = { ...environment, PYTHONPATH: undefined }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    eachLine(stream, (line) => lines.push(line) > LAST_LINES && lines.shift())
  return new Promise((resolve, reject) => {
    const stop = () => {
      killGroup(child)
      // Cast: a signal's reason is any value; whoever aborted chose it.
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
    const end = (how: string) => {
      signal.removeEventListener('abort', stop)
      resolve({ how, lines })
    }
    child.once('error', (error) => end(`${command} could not be started: ${error.message}`))
    child.once('close', (code, by) => {
      const name = args.slice(0, 3).join(' ')
      end(code === 0 ? '' : `${name} ended ${by ? `by ${by}` : `with exit code ${code ?? 0}`}`)
    })
  })
}
