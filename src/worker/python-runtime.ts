/** The Python of a server: looked for when the first Python model comes, said once, and kept. */
import type { Logger } from '../log.js'
import { findPython, type Python } from './find-python.js'
import type { PythonOptions } from './python-command.js'
import { environmentOf, type Required } from './requirements.js'

/** A model, which may require packages. */
export type ModelNeeds = Omit<Required, 'requirementsFile'> & {
  readonly requirementsFile: string | undefined
}

/** What of the Config concerns Python workers. */
export interface PythonSettings extends Omit<PythonOptions, 'executable'> {
  /** The interpreter that was asked for; undefined: the active virtual environment's, or python3. */
  readonly setting: string | undefined
  /** Holds the environments of models that bring requirements; undefined: those are not installed. */
  readonly environmentsDir?: string | undefined
}

/** Finds Python, and knows it afterwards. */
export interface PythonRuntime {
  /** Resolves when there is one. Rejects as {@link findPython}; the next call looks again. */
  prepare(): Promise<void>
  /**
   * Prepares, and installs what the model requires where that is asked for: the interpreter that has it, undefined: the runtime's
   * own. Rejects as {@link environmentOf}, too.
   */
  prepareModel(model: ModelNeeds): Promise<string | undefined>
  /** How workers are run. @throws Error before `prepare` has resolved */
  options(): PythonOptions
}

/** Makes the runtime of a server. */
export function createPythonRuntime(
  { setting, environmentsDir: folder, ...settings }: PythonSettings,
  log: Logger,
): PythonRuntime {
  let search: Promise<Python> | undefined
  let found: Python | undefined
  const runtime: PythonRuntime = {
    async prepare() {
      search ??= findPython(setting, settings.environment)
      try {
        const python = await search
        if (!found)
          log.info(
            `Python models run under Python ${python.version}: ${python.executable} (${python.origin}).`,
          )
        found = python
      } catch (error) {
        search = undefined
        throw error
      }
    },
    options() {
      if (!found) throw new Error('no Python has been looked for')
      return { ...settings, executable: found.executable }
    },
    async prepareModel({ requirementsFile, ...model }) {
      await runtime.prepare()
      if (folder === undefined || !requirementsFile) return undefined
      const { executable: python, environment } = runtime.options()
      return environmentOf({ ...model, requirementsFile }, { folder, python, environment, log })
    },
  }
  return runtime
}
