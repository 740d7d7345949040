/** `marina serve`: starts a server, says what it serves, and stops it on a signal. */
import type { Command } from 'commander'
import type { Config } from '../config/config.js'
import { explainConfig, type Explained } from '../config/load.js'
import { listModelStore, readSettingsFile } from '../config/source.js'
import { MarinaError } from '../errors.js'
import { awaitSignal } from './await-signal.js'
import { untilStopped } from './strict-start.js'
import { createLogger } from './logger.js'
import { readyJson, readyText } from './serve-report.js'
import { addSettings, givenSettings } from './settings-options.js'
import { packageVersion } from './version.js'

interface ServeOptions {
  readonly json: boolean
  readonly tsConfig?: string
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument(
      '[models...]',
      'archives, model folders, or names in the model store; NAME=ARCHIVE to rename one',
    )
    .description('Serves archives or model folders in the foreground until Ctrl-C or SIGTERM.')
  addSettings(command)
  command
    .option(
      '--ts-config <file>',
      'config.properties to read; without it that of the current folder, if there.',
    )
    .option('--json', 'Print one line of JSON on stdout when ready, instead of the summary.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina serve model_store/embedding-1.0.mar
  marina serve digits=./digits --workers 2
  marina serve --model-store model_store embedding-1.0.mar --inference-port 9090
  curl localhost:8080/predictions/embedding -T picture.png`,
    )
    .action((models: string[], options: ServeOptions) => serve(models, options, command))
}

async function serve(models: readonly string[], options: ServeOptions, command: Command): Promise<void> {
  const startedMs = performance.now()
  const { config, warnings } = explainServe(models, { file: options.tsConfig, command })
  const log = createLogger({ level: config.logLevel, format: config.logFormat })
  for (const warning of warnings) log.warn(warning)
  const { startServer } = await import('../server.js')
  const stopping = awaitSignal()
  const server = await startServer(config, { log, serverVersion: packageVersion() }).catch(
    (error: unknown) => {
      throw withCure(error, config)
    },
  )
  void server.workersReady.then(() => {
    if (stopping.hasBegun()) return
    const report = { server, config, seconds: (performance.now() - startedMs) / 1000 }
    process.stdout.write(options.json ? readyJson(report) : readyText(report))
  })
  const signal = await untilStopped(server, { config, stopping })
  const notice = `${signal}: answering what has arrived, then stopping. Once more stops at once.`
  if (options.json) log.warn(notice)
  else process.stdout.write(`\n${notice}\n`)
  await server.stop()
}

/** The settings of a `marina serve` with these arguments. */
function explainServe(
  models: readonly string[],
  { file, command }: { file: string | undefined; command: Command },
): Explained {
  const { env: environment } = process
  return explainConfig({
    profile: 'marina',
    flags: givenSettings(command),
    environment,
    models,
    file: readSettingsFile({ environment, flag: file, snapshots: false }),
    listStore: listModelStore,
  })
}

/** Adds the flag that helps to an address that cannot be listened on. */
function withCure(error: unknown, config: Config): unknown {
  if (!(error instanceof MarinaError) || error.code !== 'cannot-listen') return error
  const roles = [
    { flag: '--inference-port', address: config.inferenceAddress },
    { flag: '--management-port', address: config.managementAddress },
    { flag: '--metrics-port', address: config.metricsAddress },
  ]
  const found = roles.find(
    ({ address }) => 'port' in address && error.message.includes(`${address.host}:${address.port}:`),
  )
  const cure = found ? ` Choose another with ${found.flag} N (0 takes a free one).` : ''
  return new MarinaError(error.code, error.message + cure, { cause: error.cause })
}
