/** The logs of `torchserve`: the original's files and console, or what a log4j2.xml says instead of them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../config/config.js'
import type { PropertiesFile } from '../../config/properties.js'
import { messageOf } from '../../errors.js'
import { openLogs, type OpenLogs } from '../../logs/open-logs.js'
import { defaultPlan, inJson, logFolders, type LogPlan } from '../../logs/plan.js'
import { appendersOf, passes } from '../../logs/router.js'

/** What says how to log. */
export interface LogSources {
  readonly config: Pick<Config, 'logLevel' | 'logFormat'>
  /** `--log-config`; it wins over `vmargs` of the file. */
  readonly logConfig: string | undefined
  readonly file: PropertiesFile | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** Opens the logs, and begins them with what could not be done as it was asked for. */
export async function openTorchserveLogs(
  sources: LogSources,
): Promise<OpenLogs & { readonly logsAccess: boolean }> {
  const { config, environment } = sources
  const path = sources.logConfig ?? logConfigOf(sources.file)
  const { plan, warnings } = await planOf(path, environment)
  const shown = config.logFormat === 'json' ? inJson(plan) : plan
  const logs = openLogs(shown, config.logLevel)
  for (const warning of warnings) logs.log.warn(warning)
  const { threshold, appenders } = appendersOf('ACCESS_LOG', plan)
  return { ...logs, logsAccess: passes('info', threshold) && appenders.size > 0 }
}

async function planOf(
  path: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<{ plan: LogPlan; warnings: readonly string[] }> {
  const byDefault = defaultPlan(logFolders(environment))
  if (path === undefined) return { plan: byDefault, warnings: [] }
  try {
    // The parser is loaded only where somebody has such a file.
    const { readLog4j } = await import('../../logs/read-log4j.js')
    return readLog4j(readFileSync(path, 'utf8'), { path, environment })
  } catch (error) {
    const why = `The log configuration is not used, and the built-in one is: ${messageOf(error)}`
    return { plan: byDefault, warnings: [why] }
  }
}

/** `-Dlog4j.configurationFile=…` among the settings of a virtual machine that is not there. */
function logConfigOf(file: PropertiesFile | undefined): string | undefined {
  const entry = file?.entries.findLast(({ key }) => key === 'vmargs')
  const value = /(?:^|\s)-Dlog4j2?\.configurationFile=(\S+)/.exec(entry?.value ?? '')?.[1]
  return value?.startsWith('file:///') ? fileURLToPath(value) : value?.replace(/^file:/, '')
}
