/** Finds the Python that runs handlers, and makes sure that it can. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MarinaError, messageOf } from '../errors.js'

/** An interpreter that can run workers. */
export interface Python {
  readonly executable: string
  /** `3.11.7` */
  readonly version: string
  /** Who named it: a setting, the active virtual environment, or the search path. */
  readonly origin: string
}

/** The oldest release that `python/` runs under. */
const OLDEST = { major: 3, minor: 8 }
/** A Python on a cold disk takes a second; one that takes longer than this hangs. */
const PROBE_TIMEOUT_MS = 30_000
const PROBE = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])'

/**
 * The interpreter of the setting, else of the active virtual environment, else `python3`. Rejects with worker-failed,
 * saying what is wrong with it and how to name another.
 */
export async function findPython(
  setting: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Python> {
  const { command, origin } = candidateOf(setting, environment)
  const { executable, version } = await probe(command, { origin, environment })
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor))
    throw unusable(command, origin, `it is Python ${version}`)
  return { executable, version, origin }
}

function candidateOf(setting: string | undefined, environment: NodeJS.ProcessEnv) {
  if (setting !== undefined && setting !== '') return { command: setting, origin: 'the setting python' }
  const venv = environment['VIRTUAL_ENV']
  if (venv) return { command: join(venv, 'bin', 'python'), origin: 'VIRTUAL_ENV' }
  return { command: 'python3', origin: 'PATH' }
}

async function probe(
  command: string,
  { origin, environment }: { origin: string; environment: NodeJS.ProcessEnv },
): Promise<{ executable: string; version: string }> {
  const options = { env: environment, timeout: PROBE_TIMEOUT_MS }
  const { stdout } = await promisify(execFile)(command, ['-c', PROBE], options).catch((error: unknown) => {
    throw unusable(command, origin, reasonOf(error), error)
  })
  const [executable = '', version = ''] = stdout.trim().split(/\r?\n/)
  if (!/^\d+\.\d+\.\d+$/.test(version))
    throw unusable(command, origin, `it answered ${JSON.stringify(stdout)}`)
  return { executable: executable || command, version }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'it is not there' : messageOf(error)

function unusable(command: string, origin: string, why: string, cause?: unknown): MarinaError {
  const text =
    `Python models need Python ${OLDEST.major}.${OLDEST.minor} or newer, and ${command} (from ${origin}) cannot be used: ` +
    `${why}. Install Python, or name one with --python.`
  return new MarinaError('worker-failed', text, { cause })
}
