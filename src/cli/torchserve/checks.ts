/** What `torchserve --start` looks at before it starts anything, in the original's order (contract server-config §2.3). */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PropertiesFile } from '../../config/properties.js'
import { readSettingsFile } from '../../config/source.js'
import { MarinaError } from '../../errors.js'
import type { TorchserveOptions } from './options.js'

/** Lines to print; with a failure nothing is started. */
export interface StartChecks {
  readonly notices: readonly string[]
  readonly failure: string | undefined
}

interface Surroundings {
  readonly environment: NodeJS.ProcessEnv
  readonly cwd: string
}

/** Checks files and folders. Only a file that the user named is read; the server reads the others. */
export function checkStart(options: TorchserveOptions, { environment, cwd }: Surroundings): StartChecks {
  const isFile = (path: string) => statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isFile() === true
  const isFolder = (path: string) =>
    statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isDirectory() === true
  const absent = (path: string | undefined, is: (path: string) => boolean): path is string =>
    path !== undefined && path !== '' && !is(path)
  const failed = (failure: string, notices: readonly string[] = []): StartChecks => ({ notices, failure })

  const { log_config: logConfig, cpp_log_config: cppLogConfig, workflow_store: workflowStore } = options
  const temp = environment['TEMP']
  const configFile = environment['TS_CONFIG_FILE'] || options.ts_config
  if (absent(logConfig, isFile)) return failed(`--log-config file not found: ${resolve(cwd, logConfig)}`)
  if (absent(temp, isFolder))
    return failed(`Invalid temp directory: ${temp}, please check TEMP environment variable.`)
  if (absent(configFile, isFile)) return failed(`--ts-config file not found: ${configFile}`)
  const file = readNamedFile(configFile, { environment, cwd })
  if (file instanceof MarinaError) return failed(`Invalid configuration: ${file.message}`)
  const notices = virtualMachineNotice(file)
  const modelStore = options.model_store || lastValue(file, 'model_store')
  if (!modelStore) return failed('Missing mandatory parameter --model-store', notices)
  if (!isFolder(modelStore)) return failed(`--model-store directory not found: ${modelStore}`, notices)
  if (absent(workflowStore, isFolder))
    return failed(`--workflow-store directory not found: ${workflowStore}`, notices)
  if (absent(cppLogConfig, isFile))
    return failed(`--cpp-log-config file not found: ${resolve(cwd, cppLogConfig)}`, notices)
  return { notices, failure: undefined }
}

/** An error that the file is to blame for is the server's to print; here it only ends the start early. */
function readNamedFile(
  path: string | undefined,
  { environment, cwd }: Surroundings,
): PropertiesFile | MarinaError | undefined {
  if (path === undefined) return undefined
  try {
    return readSettingsFile({ environment, flag: path, snapshots: false, cwd })
  } catch (error) {
    if (error instanceof MarinaError) return error
    throw error
  }
}

function virtualMachineNotice(file: PropertiesFile | undefined): string[] {
  const value = lastValue(file, 'vmargs')
  return value === undefined ? [] : [`Warning: TorchServe is using non-default JVM parameters: ${value}`]
}

const lastValue = (file: PropertiesFile | undefined, key: string): string | undefined =>
  file?.entries.findLast((entry) => entry.key === key)?.value.trim() || undefined
