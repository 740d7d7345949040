/**
 * Composition root: builds every part from the Config, starts them in order and stops them in the reverse one.
 *
 *     start   unpack and register the models (workers start at once, in the background) → open the ports
 *     stop    accept no more connections → answer what has arrived → end the workers → remove the folders
 */
import { resolve } from 'node:path'
import { openGeneration, openStateFolders, type Generation, type StateFolders } from './archive/index.js'
import { systemClock, type Clock } from './clock.js'
import type { Config } from './config/config.js'
import { messageOf } from './errors.js'
import { openPorts, type BoundAddresses, type Ports } from './http/ports.js'
import { readTlsMaterial } from './http/tls-material.js'
import { createTokens, type Tokens } from './http/tokens.js'
import type { Logger } from './log.js'
import { measureByCommand } from './metrics/host-command.js'
import { openMetrics } from './metrics/open-metrics.js'
import type { Catalog } from './serving/catalog.js'
import { allReady, firstWorkers, requireAll, type Declared } from './serving/declared.js'
import { exportedMetrics, gaugesOf, pidsOf } from './serving/exported-metrics.js'
import { restoreModels } from './serving/restore.js'
import { createServing, type Serving } from './serving/serving.js'
import {
  snapshotWriter,
  withChangesTold,
  type SnapshotOptions,
  type WriteSnapshot,
} from './serving/snapshots.js'
import { fallbackName } from './serving/source.js'
import { Devices, visibleGpus } from './serving/workers/devices.js'
import type { ThreadPlan } from './serving/workers/threads.js'
import { visibleEnvironment, workerCommands } from './worker/commands.js'
import { createWorkerFactory, type WorkerProcess } from './worker/process.js'
import { createPythonRuntime } from './worker/python-runtime.js'
import type { Standby } from './worker/standby.js'

/** What a server is made with, beside its Config. */
export interface ServerOptions {
  readonly log: Logger
  readonly clock?: Clock
  readonly serverVersion: string
  /** Where unpacked archives are kept; default: `marina` in the user's cache folder. */
  readonly stateDir?: string
  /** Opens what a model is loaded from; default: `openGeneration`, which takes no project folders. */
  readonly openSource?: (path: string, folders: StateFolders) => Promise<Generation>
  /** Arguments of `node` for Node workers. */
  readonly nodeArguments?: readonly string[]
  /** Keeps a worker process started in advance. */
  readonly standby?: Standby<WorkerProcess> | undefined
  /** Arguments of `python` for Python workers. */
  readonly pythonArguments?: readonly string[]
  /** Where to keep what it has, so that it can begin from there; absent: nowhere. */
  readonly snapshots?: SnapshotOptions | undefined
}

/** A server that answers. */
export interface RunningServer {
  readonly addresses: BoundAddresses
  readonly catalog: Catalog
  readonly threadPlan: ThreadPlan
  /** Settles with the first workers of the models of the start, in their order. */
  readonly workersReady: Promise<readonly PromiseSettledResult<void>[]>
  /** Resolves when all of them are ready; rejects at the first that fails. Whoever does not care may ignore it. */
  readonly allReady: Promise<void>
  /**
   * Accepts nothing more, answers every request whose head had arrived, ends the workers. Waits for at most the drain
   * time, or until `signal` is aborted; what is not done then is cut off.
   */
  stop(signal?: AbortSignal): Promise<void>
}

/**
 * Starts a server with the models of its Config. Rejects with the error of the first model that cannot be registered
 * or the first address that cannot be listened on; nothing is left running then.
 */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const { log, clock = systemClock } = options
  const tls = await readTlsMaterial(config)
  const folders = await openStateFolders(options.stateDir)
  const parts = await buildParts(config, { ...options, log, clock, folders })
  const { catalog } = parts
  try {
    const declared = await registerAll(config, { catalog, log })
    let stopping = false
    const life = { declared, isStopping: () => stopping }
    const { serverVersion } = options
    const tokens = config.tokens ? announcedTokens(config, { clock, log }) : undefined
    const write = options.snapshots && snapshotWriter({ ...options.snapshots, catalog, log })
    const told = write ? withChangesTold(catalog, () => write('snapshot')) : catalog
    const ports = await openPorts({
      ...parts,
      catalog: told,
      life,
      config,
      clock,
      log,
      serverVersion,
      tokens,
      tls,
    })
    write?.('startup')
    const unwatch = parts.watch()
    const stop = stopOnce({ config, clock, catalog, ports, folders, write, unwatch })
    return {
      addresses: ports.addresses,
      catalog,
      threadPlan: parts.threadPlan(),
      workersReady: firstWorkers(declared),
      allReady: allReady(declared),
      stop: (signal) => {
        stopping = true
        return stop(signal)
      },
    }
  } catch (error) {
    await catalog.close()
    await folders.remove()
    throw error
  }
}

async function buildParts(
  config: Config,
  {
    log,
    clock,
    folders,
    nodeArguments = [],
    standby,
    pythonArguments = [],
    openSource = openGeneration,
  }: ServerOptions & { clock: Clock; folders: StateFolders },
) {
  const { python: setting, hiddenVariables, decodeInput, allowPickles, ipex, ipexGpu } = config
  const hides = (name: string) => hiddenVariables?.matches(name) ?? false
  const environment = visibleEnvironment(process.env, hides)
  const environmentsDir = config.installRequirements ? folders.environmentsDir : undefined
  const settings = { setting, environment, environmentsDir, decodeInput, allowPickles, ipex, ipexGpu }
  const python = createPythonRuntime(settings, log)
  const commandOf = workerCommands({
    environment,
    nodeArguments,
    pythonArguments,
    python: () => python.options(),
  })
  const gpus = new Devices(visibleGpus(process.env), config.gpuLimit)
  const { metrics, watch } = await openMetrics(config, {
    log,
    clock,
    gauges: () => gaugesOf(serving.catalog),
    hasGpus: gpus.count > 0,
    async runCommand(args, told) {
      await python.prepare()
      const { executable: command } = python.options()
      const pids = pidsOf(serving.catalog)
      return measureByCommand({ ...told, command, args, env: environment, pids, timeoutMs: COMMAND_MS })
    },
  })
  const serving: Serving = createServing({
    config,
    factory: createWorkerFactory({ commandOf, standby }),
    gpus,
    openGeneration: (path) => openSource(path, folders),
    prepareRuntime: (runtime, model) =>
      runtime === 'node' ? Promise.resolve(undefined) : python.prepareModel(model),
    clock,
    log,
    metrics: exportedMetrics(metrics, log),
  })
  return { ...serving, metrics, watch }
}

/** A command that measures the host and takes longer hangs. */
const COMMAND_MS = 30_000

/** Makes the keys, and says where they are. */
function announcedTokens(config: Config, { clock, log }: { clock: Clock; log: Logger }): Tokens {
  const path = resolve('key_file.json')
  const tokens = createTokens({ path, lifeMs: config.tokenLifeMs, clock })
  log.info(`Callers must show a key (Authorization: Bearer KEY).\nKey file located at ${path}`)
  return tokens
}

async function registerAll(
  config: Config,
  { catalog, log }: { catalog: Catalog; log: Logger },
): Promise<readonly Declared[]> {
  const { modelSnapshot: snapshot, modelStore } = config
  const declared = snapshot ? await restoreModels(snapshot, { catalog, modelStore, log }) : []
  if (config.strict) requireAll(declared)
  for (const { name, source } of config.models) {
    try {
      const registered = await catalog.register({
        url: source,
        modelName: name,
        loadedAtStartup: true,
        // A worker that fails is tried again, and describe says why; the others serve meanwhile.
        synchronous: false,
      })
      const { name: model, version, ready } = registered
      declared.push({ kind: 'registered', model, version, ready })
    } catch (error) {
      // TorchServe starts without it.
      if (config.profile !== 'torchserve' || config.strict) throw error
      log.warn(`Failed to load model: ${source}`, { error })
      declared.push({ kind: 'left-out', model: name ?? fallbackName(source), why: messageOf(error) })
    }
  }
  return declared
}

function stopOnce({
  config,
  clock,
  catalog,
  ports,
  folders,
  write,
  unwatch,
}: {
  config: Config
  clock: Clock
  catalog: Serving['catalog']
  ports: Ports
  folders: StateFolders
  write: WriteSnapshot | undefined
  unwatch: () => void
}): RunningServer['stop'] {
  let stopped: Promise<void> | undefined
  const cutOff = new AbortController()
  const run = async () => {
    unwatch()
    const cancel = clock.wakeIn(config.drainTimeoutMs, () => cutOff.abort())
    await ports.close(cutOff.signal)
    cancel()
    write?.('shutdown')
    await catalog.close()
    await folders.remove()
  }
  return (signal) => {
    if (signal?.aborted) cutOff.abort()
    signal?.addEventListener('abort', () => cutOff.abort(), { once: true })
    return (stopped ??= run())
  }
}
