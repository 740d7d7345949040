/** `model-config.yaml` inside an archive, and which source wins for each value of one model (contract server-config §8, §9). */
import type { Config } from './config.js'
import { entriesOf, inMilliseconds, settingsOf, type ModelRuntime, type ModelSettings } from './per-model.js'
import type { LogLevel } from '../log.js'
import { logLevels, type Kind } from './values.js'
import { modelDevicesOf, type ModelDevices } from './model-devices.js'
import {
  resolveWorkerLife,
  workerLifeOf,
  type FileReader,
  type WorkerLife,
  type WorkerLifeFile,
} from './worker-life.js'

/** What the file of one archive says; undefined: left to the next source. Handlers read the same file for keys of their own. */
export interface ModelFile extends Omit<ModelSettings, 'runtime'> {
  readonly workerLife: WorkerLifeFile
  readonly devices: ModelDevices
  readonly jobQueueSize?: number | undefined
  readonly maxJobs?: number | undefined
  readonly logLevel?: LogLevel | undefined
  readonly jobTickets?: boolean | undefined
  /** 0: clients wait as long as it takes. */
  readonly clientTimeoutMs?: number | undefined
  readonly replayJobs?: boolean | undefined
  readonly retryItems?: boolean | undefined
  /** Python handlers import an installed torchserve's `ts`. */
  readonly installedTs?: boolean | undefined
  /** A batch waits for its companions, as long as the batch delay allows. */
  readonly fixedBatches?: boolean | undefined
  /** Python workers are forked from one parent that has loaded the model. */
  readonly preloadWorkers?: boolean | undefined
}

/**
 * What the file says, from its data. A value of the wrong type keeps the default, with a warning, as in TorchServe; other
 * keys are the handler's.
 */
export function modelFileOf(data: unknown): {
  readonly file: ModelFile
  readonly warnings: readonly string[]
} {
  const warnings: string[] = []
  const reader = readerOf(data, warnings)
  const { integer, boolean, positive, seconds } = reader
  const file: ModelFile = {
    ...workersOf(integer('minWorkers'), integer('maxWorkers')),
    batchSize: atLeastOne(integer('batchSize')),
    maxBatchDelayMs: positive('maxBatchDelay'),
    responseTimeoutMs: seconds('responseTimeout'),
    startupTimeoutMs: seconds('startupTimeout'),
    jobQueueSize: positive('jobQueueSize'),
    maxJobs: above(-1, integer('maxJobs')),
    logLevel: reader.ofKind('logLevel', logLevels),
    jobTickets: boolean('useJobTicket'),
    clientTimeoutMs: above(-1, integer('clientTimeoutInMills')),
    replayJobs: boolean('replayJobs'),
    retryItems: boolean('retryItems'),
    installedTs: boolean('installedTs'),
    fixedBatches: boolean('fixedBatches'),
    preloadWorkers: boolean('preloadWorkers'),
    workerLife: workerLifeOf(reader),
    devices: modelDevicesOf(reader),
  }
  return { file, warnings }
}

function readerOf(
  data: unknown,
  warnings: string[],
): FileReader & { readonly integer: (key: string) => number | undefined } {
  const fields = new Map(entriesOf(data))
  const value = (key: string): unknown => fields.get(key)
  const refuse = (key: string, mustBe: string): void => {
    warnings.push(`${key} must be ${mustBe}; it is left out.`)
  }
  const integer = (key: string): number | undefined => {
    const found = value(key)
    if (found === undefined || Number.isSafeInteger(found)) return found as number | undefined
    refuse(key, 'a whole number')
    return undefined
  }
  const boolean = (key: string): boolean | undefined => {
    const found = value(key)
    if (found === undefined || typeof found === 'boolean') return found
    refuse(key, 'true or false')
    return undefined
  }
  const ofKind = <T>(key: string, kind: Kind<T>): T | undefined => {
    const found = value(key)
    if (found === undefined) return undefined
    const result = kind.parse(typeof found === 'string' || typeof found === 'number' ? String(found) : '')
    if ('value' in result) return result.value
    refuse(key, result.mustBe)
    return undefined
  }
  const positive = (key: string): number | undefined => above(0, integer(key))
  const seconds = (key: string): number | undefined => inMilliseconds(positive(key))
  return { value, refuse, integer, boolean, ofKind, positive, seconds }
}

/** Both count, or neither does: the least must be given, and the most must not be below it. */
function workersOf(
  min: number | undefined,
  max: number | undefined,
): Pick<ModelFile, 'minWorkers' | 'maxWorkers'> {
  const least = atLeastOne(min)
  return least !== undefined && max !== undefined && max >= least
    ? { minWorkers: least, maxWorkers: max }
    : {}
}

const above = (bound: number, value: number | undefined): number | undefined =>
  value !== undefined && value > bound ? value : undefined

const atLeastOne = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.max(1, value)

/** What a client may ask for at a registration. */
export interface ModelRequest {
  readonly batchSize?: number | undefined
  readonly maxBatchDelayMs?: number | undefined
  readonly responseTimeoutMs?: number | undefined
  readonly startupTimeoutMs?: number | undefined
  readonly initialWorkers?: number | undefined
  readonly loadedAtStartup?: boolean | undefined
  /** The request beats the file in everything: it is what a snapshot says. */
  readonly exact?: boolean | undefined
}

/** All sources of one version's values. */
export interface ModelSources {
  readonly name: string
  readonly version: string
  readonly file: ModelFile
  readonly request: ModelRequest
  readonly config: Config
  /** Workers of a model of the start for which nobody names a number: one for each GPU, or else for each core. */
  readonly cores: number
}

/** The values of one version. */
export interface ResolvedModel {
  readonly minWorkers: number
  readonly maxWorkers: number
  readonly batchSize: number
  readonly maxBatchDelayMs: number
  readonly responseTimeoutMs: number
  readonly startupTimeoutMs: number
  readonly jobQueueSize: number
  /** 0: no limit. */
  readonly maxJobs: number
  /** Quietest records of its workers and its handler; undefined: those of the server. */
  readonly logLevel: LogLevel | undefined
  readonly jobTickets: boolean
  /** 0: none. */
  readonly clientTimeoutMs: number
  readonly replayJobs: boolean
  readonly retryItems: boolean
  readonly installedTs: boolean
  readonly fixedBatches: boolean
  readonly preloadWorkers: boolean
  readonly workerLife: WorkerLife
  /** Beats the manifest and the request; undefined: they decide. */
  readonly runtime: ModelRuntime | undefined
}

const LEFT_TO_THE_REQUEST = {
  minWorkers: undefined,
  maxWorkers: undefined,
  responseTimeoutMs: undefined,
  startupTimeoutMs: undefined,
}

/**
 * Merges the sources. The archive's file beats the request for time-outs and workers, but not for batches: as in TorchServe,
 * whose documents say otherwise. A key that is absent from the file is unset, where TorchServe takes 120 s for the time-outs.
 */
export function resolveModel({
  name,
  version,
  file: ofArchive,
  request,
  config,
  cores,
}: ModelSources): ResolvedModel {
  const named = request.exact ? {} : settingsOf(config.modelsByName, name, version)
  const file = request.exact ? { ...ofArchive, ...LEFT_TO_THE_REQUEST } : ofArchive
  return {
    ...resolveWorkers({ named, file, request, config, cores }),
    batchSize: request.batchSize ?? file.batchSize ?? named.batchSize ?? config.batchSize,
    maxBatchDelayMs:
      request.maxBatchDelayMs ?? file.maxBatchDelayMs ?? named.maxBatchDelayMs ?? config.maxBatchDelayMs,
    responseTimeoutMs:
      file.responseTimeoutMs ??
      named.responseTimeoutMs ??
      request.responseTimeoutMs ??
      config.responseTimeoutMs,
    startupTimeoutMs:
      file.startupTimeoutMs ?? named.startupTimeoutMs ?? request.startupTimeoutMs ?? config.startupTimeoutMs,
    jobQueueSize: file.jobQueueSize ?? config.jobQueueSize,
    maxJobs: file.maxJobs ?? config.maxJobs,
    // The operator's word beats the archive's: logs are the operator's.
    logLevel: named.logLevel ?? file.logLevel,
    jobTickets: file.jobTickets ?? config.jobTickets,
    clientTimeoutMs: file.clientTimeoutMs ?? config.clientTimeoutMs,
    replayJobs: file.replayJobs ?? config.replayJobs,
    retryItems: file.retryItems ?? config.retryItems,
    installedTs: file.installedTs ?? config.installedTs,
    workerLife: resolveWorkerLife(file.workerLife, config),
    runtime: named.runtime,
    fixedBatches: file.fixedBatches ?? config.fixedBatches,
    preloadWorkers: file.preloadWorkers ?? false,
  }
}

type WorkerSources = Omit<ModelSources, 'name' | 'version'> & { readonly named: ModelSettings }

function resolveWorkers(sources: WorkerSources): Pick<ResolvedModel, 'minWorkers' | 'maxWorkers'> {
  const { named, file, request, config, cores } = sources
  if (file.minWorkers !== undefined && file.maxWorkers !== undefined)
    return { minWorkers: file.minWorkers, maxWorkers: file.maxWorkers }
  const automatic = config.profile === 'torchserve' ? cores : 0
  const atStart = named.minWorkers ?? (config.workersPerModel || automatic)
  const count = request.initialWorkers ?? (request.loadedAtStartup ? atStart : config.workersPerModel)
  const most = request.loadedAtStartup ? (named.maxWorkers ?? count) : count
  return { minWorkers: count, maxWorkers: Math.max(count, most) }
}
