/** The server of `torchserve`: reads the settings, prints what the original prints, serves until a signal. */
import { dirname } from 'node:path'
import { addressUrl, type Address, type Config } from '../../config/config.js'
import { explainConfig, type Explained } from '../../config/load.js'
import { effectiveProperties } from '../../config/snapshot-file.js'
import { listModelStore, readSettingsFile, snapshotFolder } from '../../config/source.js'
import type { PropertiesFile } from '../../config/properties.js'
import { MarinaError } from '../../errors.js'
import type { OpenLogs } from '../../logs/open-logs.js'
import type { ServerOptions } from '../../server.js'
import { awaitSignal } from '../await-signal.js'
import { untilStopped } from '../strict-start.js'
import { configurationBlock } from '../configuration-block.js'
import { EXIT } from '../exit.js'
import type { TorchserveOptions } from './options.js'
import { openTorchserveLogs } from './logs.js'
import { packageVersion } from '../version.js'

/** Serves until SIGTERM or SIGINT; the exit code. What the settings are to blame for is one line on stdout. */
export async function serveTorchserve(options: TorchserveOptions): Promise<number> {
  try {
    await serve(options)
    return EXIT.done
  } catch (error) {
    if (!(error instanceof MarinaError)) throw error
    process.stdout.write(`${failureLine(error)}\n`)
    return EXIT.failed
  }
}

const failureLine = (error: MarinaError): string =>
  error.code === 'misuse' ? `Invalid configuration: ${error.message}` : error.message

/** The settings of a command line: what the command asked for, the file, the environment. */
export function explainTorchserve(
  options: TorchserveOptions,
  environment: NodeJS.ProcessEnv,
): Explained & { readonly file: PropertiesFile | undefined } {
  const { ts_config: flag, no_config_snapshots: noSnapshots } = options
  const file = readSettingsFile({ environment, flag, snapshots: !noSnapshots })
  const explained = explainConfig({
    profile: 'torchserve',
    flags: flagsOf(options),
    environment,
    models: [],
    file,
    listStore: listModelStore,
  })
  return { ...explained, file }
}

/** The original's flags by the names of the table of settings. */
function flagsOf(options: TorchserveOptions): ReadonlyMap<string, string> {
  const given: Record<string, string | undefined> = {
    'model-store': options.model_store,
    'workflow-store': options.workflow_store,
    'cpp-log-config': options.cpp_log_config,
    'plugins-path': options.plugins_path,
    models: options.models?.join(','),
    'log-format': options.own.get('--log-format'),
    // These two can only be turned one way.
    'model-api': options.enable_model_api ? 'true' : undefined,
    tokens: options.disable_token_auth ? 'false' : undefined,
  }
  return new Map(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

async function serve(options: TorchserveOptions): Promise<void> {
  const { config, warnings, file } = explainTorchserve(options, process.env)
  const { log_config: logConfig } = options
  const logs = await openTorchserveLogs({ config, logConfig, file, environment: process.env })
  const { log } = logs
  log.info(`\n${configurationBlock(config, { file: file?.path, environment: process.env })}`)
  for (const warning of warnings) log.warn(warning)
  const folder = snapshotFolder(process.env)
  if (file && dirname(file.path) === folder) log.info(resumedText(file.path, config))
  const properties = effectiveProperties(config, file)
  const snapshots = options.no_config_snapshots ? undefined : { folder, properties }
  const accessLog = config.accessLog && logs.logsAccess
  try {
    await serveUntilSignal({ ...config, accessLog }, { ...logs, snapshots })
  } finally {
    await logs.close()
  }
}

/** What is there again, and what is not read for its sake. */
function resumedText(path: string, { modelSnapshot, models }: Config): string {
  const names = [...(modelSnapshot?.models ?? [])].flatMap(([model, versions]) =>
    [...versions].map(([version, { minWorkers }]) => `${model} ${version} (workers: ${minWorkers})`),
  )
  const instead = models.length > 0 ? ', but for the models, which the command line names' : ''
  return (
    `Resuming from the snapshot ${path}${instead}: ${names.join(', ') || 'no models'}. Its settings count and ` +
    'config.properties is not read; --ncs or --ts-config begins anew.'
  )
}

async function serveUntilSignal(
  config: Config,
  { log, print, snapshots }: Omit<OpenLogs, 'close'> & Pick<ServerOptions, 'snapshots'>,
): Promise<void> {
  const stopping = awaitSignal()
  for (const { source } of config.models) log.info(`Loading initial models: ${source}`)
  const { startServer } = await import('../../server.js')
  const server = await startServer(config, { log, serverVersion: packageVersion(), snapshots }).catch(
    asBindFailure,
  )
  for (const [role, address] of Object.entries(server.addresses) as [string, Address | undefined][]) {
    if (!address) continue
    const name = `${role.charAt(0).toUpperCase()}${role.slice(1)}`
    log.info(`${name} API bind to: ${addressUrl(address)}`)
  }
  print('Model server started.')
  await untilStopped(server, { config, stopping })
  await server.stop()
  log.info('Torchserve stopped.')
}

/** The original's words in front, then why. */
function asBindFailure(error: unknown): never {
  if (!(error instanceof MarinaError) || error.code !== 'cannot-listen') throw error
  const why = error.message.replace(/^Cannot listen on (unix:)?/, (_, unix?: string) => unix ?? 'http://')
  throw new MarinaError('cannot-listen', `Failed to bind to address: ${why}`, { cause: error })
}
