/** Puts the parts of serving together: what the server starts, and all that transports get to see. */
import type { Runtime } from '../archive/manifest.js'
import type { Clock } from '../clock.js'
import type { Config } from '../config/config.js'
import type { Logger } from '../log.js'
import type { ModelNeeds } from '../worker/python-runtime.js'
import type { WorkerFactory, WorkerSpec } from '../worker/worker.js'
import { createCatalog, type OwnedCatalog } from './create-catalog.js'
import { createKeySource } from './create-job.js'
import type { WorkerId } from './dispatch/state.js'
import { createInfer } from './infer.js'
import type { Infer } from './job.js'
import type { ServingMetrics } from './metrics.js'
import { createRegistry, type Registry } from './registry.js'
import { Devices, visibleGpus } from './workers/devices.js'
import { GpuUsage } from './workers/gpu-usage.js'
import { WorkerSlot } from './workers/slot.js'
import { StartQueue } from './workers/start-queue.js'
import { Upkeep } from './workers/upkeep.js'
import { grantedCores, planPythonThreads, planThreads, type ThreadPlan } from './workers/threads.js'
import type { OpenedGeneration } from './version-loader.js'
import type { LoadedVersion } from './version.js'

/** What serving works with. */
export interface ServingDeps {
  readonly config: Config
  /** Starts worker processes. */
  readonly factory: WorkerFactory
  /** Unpacks the archive, or opens the folder, at `path`. */
  readonly openGeneration: (path: string) => Promise<OpenedGeneration>
  /** See `LoaderDeps`. */
  readonly prepareRuntime?: (runtime: Runtime, model: ModelNeeds) => Promise<string | undefined>
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ServingMetrics
  /** Cores that all workers may use together; default: those that the cgroup grants. */
  readonly cores?: number
  /** What workers are handed; default: the GPUs that this process may use. */
  readonly gpus?: Devices
}

/** Serving, ready to be used by transports. */
export interface Serving {
  readonly infer: Infer
  readonly catalog: OwnedCatalog
  /** As it is for a worker that is started now. */
  threadPlan(): ThreadPlan
}

/** Makes an empty server: no models, no workers. `catalog.close()` ends it. */
export function createServing(deps: ServingDeps): Serving {
  const { config, clock, log, metrics, factory } = deps
  const registry = createRegistry<LoadedVersion>()
  const cores = deps.cores ?? grantedCores()
  const threadPlan = (): ThreadPlan => {
    const workers = Math.max(1, workersAtOnce(registry, config))
    return { cores, workers, threadsPerWorker: planThreads(cores, workers) }
  }
  const nextKey = createKeySource()
  let lastSlot = config.firstWorkerPort - 1
  let lastWorker = 0
  const gpus = deps.gpus ?? new Devices(visibleGpus(process.env), config.gpuLimit)
  const slotDeps = {
    gpus,
    gpuUsage: new GpuUsage(clock),
    factory,
    clock,
    log,
    nextKey,
    metrics: metrics.modelDefinitions,
    torchserveWords: config.profile === 'torchserve',
    threads: (runtime: WorkerSpec['runtime']) => {
      const { workers, threadsPerWorker } = threadPlan()
      return runtime === 'python' ? planPythonThreads(cores, workers) : threadsPerWorker
    },
    nextSlot: () => ++lastSlot,
    nextWorker: () => ++lastWorker as WorkerId, // the only maker of the brand
  }
  const catalog = createCatalog({
    ...deps,
    registry,
    gpus,
    starts: new StartQueue(clock, cores),
    upkeep: new Upkeep(clock),
    createSlot: (spec, host, like) => new WorkerSlot(spec, { host, like, deps: slotDeps }),
  })
  return {
    infer: createInfer({ registry, clock, metrics, nextKey }),
    catalog,
    threadPlan,
  }
}

/** Workers of all versions, counting those that the start is going to load, so that the first model does not take all. */
function workersAtOnce(registry: Registry<LoadedVersion>, config: Config): number {
  let workers = 0
  for (const [model, { versions }] of registry.snapshot) {
    for (const version of versions.keys()) workers += registry.resolve(model, version).primary.limits.max
  }
  return Math.max(workers, config.models.length * config.workersPerModel)
}
