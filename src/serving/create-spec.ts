/** What a version will be: what its archive says, what the registration says, and the settings of the server. */
import type { Generation } from '../archive/generation.js'
import type { Config } from '../config/config.js'
import { modelFileOf, resolveModel } from '../config/model-config.js'
import { invalidArchive } from '../errors.js'
import type { Logger } from '../log.js'
import type { Registration } from './catalog.js'
import { nameMissing, tooFewGpus } from './errors.js'
import { readModelConfig } from './model-config.js'
import type { GenerationId } from './registry.js'
import { fallbackName } from './source.js'
import type { VersionSpec } from './version-spec.js'
import type { DeviceRules, Devices } from './workers/devices.js'
import type { WorkerLimits } from './workers/pool.js'
import { readExamples } from './workers/warm-up.js'

/** What of a generation is needed; `openGeneration` of `archive/` makes it. */
export type OpenedGeneration = Pick<Generation, 'dir' | 'manifest' | 'schema' | 'examples' | 'close'>

/** What a spec is made from, beside the registration. */
export interface SpecSources {
  readonly generation: OpenedGeneration
  readonly id: GenerationId
  readonly config: Config
  /** Workers of a model of the start for which nobody names a number, where there is no GPU. */
  readonly cores: number
  readonly gpus: Devices
  readonly log: Logger
}

/** `marina archive` makes no other names; the drop-in takes any, as TorchServe does. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9_\-.]*$/

/** The spec, and how many workers are asked for. Rejects with invalid-archive for a name, configuration or example that is none. */
export async function createSpec(
  registration: Registration,
  { generation, id, config, cores, gpus, log }: SpecSources,
): Promise<{ spec: VersionSpec; limits: WorkerLimits }> {
  const { manifest, examples, schema, dir } = generation
  const model = nameOf(registration, { manifest, strict: config.profile === 'marina' })
  const version = manifest.model.modelVersion
  const modelConfig = await readModelConfig(dir, { manifest, log })
  const { file, warnings } = modelFileOf(modelConfig)
  for (const warning of warnings) log.warn(`Model configuration: ${warning}`, { model, version })
  const resolved = resolveModel({
    name: model,
    version,
    file,
    request: registration,
    config,
    cores: gpus.count || cores,
  })
  const runtime = resolved.runtime ?? registration.runtime ?? manifest.runtime
  const devices = { ...file.devices, gpuByDefault: runtime !== 'node' }
  checkDevices(devices, { model, version, gpus, log })
  const spec: VersionSpec = {
    model,
    version,
    generation: id,
    url: registration.url,
    runtime,
    handler: registration.handler ?? manifest.model.handler ?? config.defaultHandler ?? '',
    modelDir: dir,
    batchSize: resolved.batchSize,
    maxBatchDelayMs: resolved.maxBatchDelayMs,
    fixedBatches: resolved.fixedBatches,
    queueSize: resolved.jobQueueSize,
    maxJobs: resolved.maxJobs || Infinity,
    logLevel: resolved.logLevel,
    jobTickets: resolved.jobTickets,
    clientTimeoutMs: resolved.clientTimeoutMs || Infinity,
    responseTimeoutMs: resolved.responseTimeoutMs,
    startupTimeoutMs: resolved.startupTimeoutMs,
    workerLife: resolved.workerLife,
    drainTimeoutMs: config.drainTimeoutMs,
    replayJobs: resolved.replayJobs,
    retryItems: resolved.retryItems,
    preloadWorkers: resolved.preloadWorkers,
    modelConfig,
    limitImagePixels: config.limitImagePixels,
    envelope: config.serviceEnvelope || undefined,
    installedTs: resolved.installedTs,
    devices,
    loadedAtStartup: registration.loadedAtStartup ?? false,
    schema,
    examples,
    warmUps: await readExamples(dir, { examples, bind: registration.examplesBind ?? true }),
  }
  return { spec, limits: { min: resolved.minWorkers, max: resolved.maxWorkers } }
}

/** @throws MarinaError `invalid-archive` for a worker of several processes, `worker-failed` for one that needs more GPUs than there are */
function checkDevices(
  devices: DeviceRules,
  { model, version, gpus, log }: { model: string; version: string; gpus: Devices; log: Logger },
): void {
  const { ids, parallelType, parallelLevel } = devices
  if (parallelLevel > 0 && parallelType !== 'custom')
    throw invalidArchive(
      `parallelType ${parallelType ?? ''} of model ${model} needs processes that torchrun starts, which this server does not do. Only custom is served: one process that sees ${parallelLevel} GPUs.`,
    )
  if (gpus.mostWorkers(devices) < 1) throw tooFewGpus(model, parallelLevel)
  const known = gpus.gpusOf(devices)
  const unknown = known.length > 0 ? ids?.find((id) => !known.includes(id)) : undefined
  if (unknown !== undefined)
    log.warn(`Model configuration: deviceIds is left out, since there is no GPU ${unknown} here.`, {
      model,
      version,
    })
}

function nameOf(
  { modelName, url, loadedAtStartup }: Registration,
  { manifest, strict }: { manifest: OpenedGeneration['manifest']; strict: boolean },
): string {
  const given = modelName || manifest.model.modelName
  const name = given || (loadedAtStartup ? fallbackName(url) : undefined)
  if (!name) throw nameMissing()
  if (strict && !MODEL_NAME.test(name)) {
    throw invalidArchive(
      `Model name ${JSON.stringify(name)} contains special characters. Allowed are letters, digits, "_", "-" and ".", beginning with a letter or digit.`,
    )
  }
  return name
}
