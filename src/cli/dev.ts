/** `marina dev`: serves a project folder while its handler is being written. */
import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { isProject, openGeneration, type Generation, type StateFolders } from '../archive/index.js'
import type { Config } from '../config/config.js'
import { loadConfig } from '../config/load.js'
import { awaitSignal } from './await-signal.js'
import { DEFAULT_PORTS, inspectionOf } from './dev/inspect.js'
import { NextGeneration } from './dev/next.js'
import { Project } from './dev/project.js'
import { createReloader } from './dev/reload.js'
import { devReport } from './dev/report.js'
import { watchProject, type ProjectWatch } from './dev/watch.js'
import { createLogger } from './logger.js'
import { addSettings, givenSettings, portOf } from './settings-options.js'
import { packageVersion } from './version.js'

interface DevFlags {
  /** A port, or true for the default. */
  readonly inspect?: number | true
  readonly json: boolean
}

/** With the debugger open a job may stand still for as long as someone thinks. */
const THINKING_SECONDS = '86400'

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('[folder]', 'a project: handler.ts (or .js, .py), model.onnx, …', '.')
    .description(
      'Serves a project folder without packing it, and loads it again when a file is saved. No request is lost: the new ' +
        'code takes over when it is ready; while it does not load, the old code goes on and the error is shown here. ' +
        'Answers of a handler that fails hold its error with file and line.',
    )
    .option(
      '--inspect [port]',
      `Open the debugger in the worker, on 127.0.0.1: Node's (default port: ${DEFAULT_PORTS.node}), or debugpy for a handler in Python (${DEFAULT_PORTS.python}).`,
      inspectPort,
    )
    .option('--json', 'Print events on stdout as lines of JSON: ready, reloaded, failed.', false)
  addSettings(command)
  command
    .addHelpText(
      'after',
      `
Examples:
  marina dev
  marina dev ./digits --inference-port 9090
  marina dev ./digits --inspect        then attach an editor, or chrome://inspect`,
    )
    .action((folder: string, flags: DevFlags) => dev(resolve(folder), flags, command))
}

function inspectPort(text: string): number {
  const port = portOf(text)
  if (port === 0)
    throw new InvalidArgumentError('The debugger needs a port, so that an editor finds it again.')
  return port
}

async function dev(folder: string, flags: DevFlags, command: Command): Promise<void> {
  const startedMs = performance.now()
  const config = devConfig(command, flags)
  const inspection = await inspectionOf(folder, { asked: flags.inspect, python: config.python })
  const log = createLogger({ level: config.logLevel, format: flags.json ? 'json' : config.logFormat })
  const stopping = awaitSignal()
  const reloader = createReloader((file) => project.load(file))
  const watch = await watchProject(folder, (change) => reloader.changed(change))
  const next = new NextGeneration()
  const { startServer } = await import('../server.js')
  const server = await startServer(config, {
    log,
    serverVersion: packageVersion(),
    openSource: (path, folders) => openWatched(path, folders, { watch, next }),
    standby: next.standby,
    ...inspection,
  }).catch(async (error: unknown) => {
    await watch.close()
    throw error
  })
  const report = devReport({ server, config, startedMs, json: flags.json })
  const project = new Project(folder, {
    catalog: server.catalog,
    report,
    next,
    log,
    inspect: flags.inspect !== undefined,
  })
  reloader.changed({ file: '', writtenMs: Infinity })
  report.stopping(await stopping.first)
  await watch.close()
  next.close()
  await Promise.all([reloader.close(), server.stop()])
}

/** The settings of `marina serve`, with the handler's errors in its answers. */
function devConfig(command: Command, { inspect }: DevFlags): Config {
  const thinking: [string, string][] =
    inspect === undefined
      ? []
      : [
          ['response-timeout', THINKING_SECONDS],
          ['startup-timeout', THINKING_SECONDS],
        ]
  const flags = new Map([['verbose-errors', 'true'], ...thinking, ...givenSettings(command)])
  return loadConfig({ profile: 'marina', flags, environment: process.env, models: [] })
}

/** Opens the project, and watches what its handler imports from elsewhere. */
async function openWatched(
  path: string,
  folders: StateFolders,
  { watch, next }: { watch: ProjectWatch; next: NextGeneration },
): Promise<Generation> {
  if (!(await isProject(path))) return openGeneration(path, folders)
  const generation = await next.open(path, folders)
  watch.add(generation.sources.filter((file) => !file.startsWith(`${path}/`)))
  return generation
}
