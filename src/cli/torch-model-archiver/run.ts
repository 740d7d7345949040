/** Does what torch-model-archiver 0.12.0 does, in its order of steps and with its words (contract archive §3). */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import { MarinaError } from '../../errors.js'
// Not by way of archive/index.ts: what only reading needs would cost a packing 30 ms.
import { isModelName, outputName, pack } from '../../archive/pack.js'
import { systemCode } from '../../archive/errors.js'
import { PythonError, systemError } from './python-errors.js'
import { join } from './python-glob.js'
import { stageInputs } from './inputs.js'
import { parseArchiverOptions, type ArchiverOptions } from './options.js'
import type { Staged } from './staging.js'

/** What the command writes to, and what stops it. */
export interface ArchiverStreams {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs one command line in the current folder; resolves with the exit code: 0, 1 failed, 2 cannot be understood, 130
 * stopped by the signal. Rejects only with what is a fault of Marina's.
 */
export async function runArchiver(words: readonly string[], streams: ArchiverStreams): Promise<number> {
  const options = parseArchiverOptions(words, { cwd: process.cwd() })
  if ('exitCode' in options) {
    streams.stdout(options.stdout)
    streams.stderr(options.stderr)
    return options.exitCode
  }
  try {
    await archive(options, streams)
    return 0
  } catch (error) {
    if (streams.signal?.aborted) return 130
    if (!(error instanceof PythonError)) throw error
    streams.stderr((error.logged === undefined ? '' : `ERROR - ${error.logged}\n`) + error.traceback)
    return 1
  }
}

async function archive(options: ArchiverOptions, { stderr, signal }: ArchiverStreams): Promise<void> {
  const warn = (text: string) => stderr(`WARNING - ${text}\n`)
  if (!isModelName(options.model_name))
    throw refused(
      'Model name contains special characters.\nThe allowed regular expression filter for model name is: ' +
        '^[A-Za-z0-9][A-Za-z0-9_\\-.]*$',
    )
  makeExportPath(options.export_path, warn)
  const output = join(options.export_path, outputName(options.model_name, options.archive_format))
  if (existsSync(output)) {
    if (!options.force)
      throw refused(
        `${output} already exists.\nPlease specify --force/-f option to overwrite the model archive output file.\n` +
          'See -h/--help for more details.',
      )
    warn(`Overwriting ${output} ...`)
  }
  await write(output, { options, staged: stageInputs(options, warn), signal })
}

/** The original's own exception: logged, then thrown. */
const refused = (text: string) =>
  new PythonError('model_archiver.model_archiver_error.ModelArchiverError', text, { logged: text })

/** Release 0.12.0 refused a folder that is not there yet; its successor makes it, with these words. */
function makeExportPath(path: string, warn: (text: string) => void): void {
  const notFolder = `Given export-path ${path} is not a directory. Point to a valid export-path directory.`
  try {
    if (statSync(resolve(path)).isDirectory()) return
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw refused(notFolder)
    warn(`Export directory (${path}) does not exist. Creating...`)
    makeFolder(path)
    return
  }
  throw refused(notFolder)
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw systemError(systemCode(error) ?? 'EIO', path, { cause: error })
  }
}

interface Writing {
  readonly options: ArchiverOptions
  readonly staged: Staged
  readonly signal: AbortSignal | undefined
}

async function write(output: string, { options, staged, signal }: Writing): Promise<void> {
  const base = (path: string | undefined) => path && basename(path)
  try {
    await pack({
      modelName: options.model_name,
      version: options.version,
      handler: options.handler,
      runtime: options.runtime,
      // The staged members are all there is; these options only name them in the manifest.
      members: [...staged].map(([name, file]) => ({ name, file })),
      serializedFile: base(options.serialized_file),
      modelFile: base(options.model_file),
      requirementsFile: base(options.requirements_file),
      configFile: base(options.config_file),
      exportPath: options.export_path,
      archiveFormat: options.archive_format,
      force: options.force,
      keepOthers: true,
      store: options.own.has('--store-weights') ? 'weights' : 'nothing',
      signal,
    })
  } catch (error) {
    throw signal?.aborted ? error : failedToWrite(error, { output, options })
  }
}

function failedToWrite(
  error: unknown,
  { output, options }: { output: string; options: ArchiverOptions },
): unknown {
  if (error instanceof MarinaError) {
    const logged = `Failed to convert ${options.model_name} to the model-archive.`
    return new PythonError('ValueError', error.message, { cause: error, logged })
  }
  const code = systemCode(error)
  if (code === undefined) return error
  const logged =
    `Failed to save the model-archive to model-path "${options.export_path}". ` +
    'Check the file permissions and retry.'
  return systemError(code, placeIn(output, error), { cause: error, logged })
}

/** Of a folder, the file in it that failed, as the original would name it; the output itself otherwise. */
function placeIn(output: string, error: unknown): string {
  const dest = error instanceof Error && 'dest' in error ? String(error.dest) : ''
  const inside = dest && relative(realFolder(output), dest)
  return inside && !inside.startsWith('..') ? join(output, inside) : output
}

function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
