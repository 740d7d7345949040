/** Settings: how long workers live and how many there are (contract scheduling §8, §9), and what one model's file says of it. */
import { both, row, type ValuesOf } from './setting.js'
import { boolean, bytes, count, milliseconds, seconds, type Kind } from './values.js'

/** Bytes, or 0 for no bound. */
const bound: Kind<number> = {
  ...bytes,
  parse: (text) => (text.trim() === '0' ? { value: 0 } : bytes.parse(text)),
}

/** Rows of the table. */
export const workerLifeRows = {
  recoveryWindowMs: row({
    key: 'default_max_retry_timeout',
    flag: 'max-retry-timeout',
    perModel: { yaml: 'maxRetryTimeoutInSec' },
    kind: seconds,
    defaults: both(300_000),
    description:
      'How long requests wait for workers that fail to start. After it they are answered 503 at once and /ping is 500; the workers are tried on.',
  }),
  scaleWorkers: row({
    key: 'scale_workers',
    flag: 'scale-workers',
    perModel: { yaml: 'scaleWorkers' },
    kind: boolean,
    defaults: { marina: true, torchserve: false },
    description:
      'Let the number of workers follow the load, between the least and the most of each model; where these are equal nothing changes.',
  }),
  scaleQueueTimeMs: row({
    key: 'scale_queue_time',
    flag: 'scale-queue-time',
    perModel: { yaml: 'scaleQueueTime' },
    kind: milliseconds,
    defaults: both(200),
    description: 'A worker is added when jobs wait longer than this for one.',
  }),
  scaleUpCooldownMs: row({
    key: 'scale_up_cooldown',
    flag: 'scale-up-cooldown',
    perModel: { yaml: 'scaleUpCooldown' },
    kind: seconds,
    defaults: both(5_000),
    description: 'Least time from the moment when all workers are ready to the next one that is added.',
  }),
  scaleDownCooldownMs: row({
    key: 'scale_down_cooldown',
    flag: 'scale-down-cooldown',
    perModel: { yaml: 'scaleDownCooldown' },
    kind: seconds,
    defaults: both(60_000),
    description:
      'A worker is taken away when for so long no job has waited too long and one fewer would have been busy 70 % of the time at most.',
  }),
  recycleAfterJobs: row({
    key: 'recycle_after_jobs',
    flag: 'recycle-after-jobs',
    perModel: { yaml: 'recycleAfterJobs' },
    kind: count(0),
    defaults: both(0),
    description:
      'A worker that has answered so many jobs is replaced; the new one is ready before the old one finishes. 0: never.',
  }),
  recycleAboveBytes: row({
    key: 'recycle_above_memory',
    flag: 'recycle-above-memory',
    perModel: { yaml: 'recycleAboveMemory' },
    kind: bound,
    defaults: both(0),
    description:
      'A worker whose process has grown above this size in memory is replaced in the same way; looked at every two seconds, on Linux. 0: never.',
  }),
}

/** When a version gets one worker more or one fewer; see `serving/workers/scaling.ts`. */
export interface ScalingRules {
  /** Longer than this no job should wait for a worker. */
  readonly queueTimeMs: number
  readonly upCooldownMs: number
  readonly downCooldownMs: number
}

/** When a worker is replaced; see `serving/workers/recycling.ts`. 0: never for that. */
export interface RecyclingRules {
  readonly afterJobs: number
  /** Resident bytes of its process. */
  readonly aboveBytes: number
}

/** What a model's file says; undefined: left to the settings of the server. */
export interface WorkerLifeFile {
  readonly recoveryWindowMs?: number | undefined
  readonly scaleWorkers?: boolean | undefined
  readonly scaleQueueTimeMs?: number | undefined
  readonly scaleUpCooldownMs?: number | undefined
  readonly scaleDownCooldownMs?: number | undefined
  readonly recycleAfterJobs?: number | undefined
  readonly recycleAboveBytes?: number | undefined
}

/** Reads values of a model's file by their keys; one of the wrong type is left out with a warning. */
export interface FileReader {
  /** As it stands. */
  readonly value: (key: string) => unknown
  /** The value is left out: it must be something else. */
  readonly refuse: (key: string, mustBe: string) => void
  /** Above zero; anything else counts as not given. */
  readonly positive: (key: string) => number | undefined
  /** As `positive`, in milliseconds. */
  readonly seconds: (key: string) => number | undefined
  readonly boolean: (key: string) => boolean | undefined
  /** As it would be written on a command line, such as `512m`. */
  readonly ofKind: <T>(key: string, kind: Kind<T>) => T | undefined
}

/** What the file says about the life of workers. */
export const workerLifeOf = (read: FileReader): WorkerLifeFile => ({
  recoveryWindowMs: read.seconds('maxRetryTimeoutInSec'),
  scaleWorkers: read.boolean('scaleWorkers'),
  scaleQueueTimeMs: read.positive('scaleQueueTime'),
  scaleUpCooldownMs: read.seconds('scaleUpCooldown'),
  scaleDownCooldownMs: read.seconds('scaleDownCooldown'),
  recycleAfterJobs: read.ofKind('recycleAfterJobs', count(0)),
  recycleAboveBytes: read.ofKind('recycleAboveMemory', bound),
})

/** How the workers of one version live. */
export interface WorkerLife {
  /** Workers that have failed to start for so long are given up, though they are tried on. */
  readonly recoveryWindowMs: number
  /** Undefined: their number stays as it was asked for. */
  readonly scaling: ScalingRules | undefined
  /** Undefined: workers serve as long as they live. */
  readonly recycling: RecyclingRules | undefined
}

/** Merges the file with the settings of the server. */
export function resolveWorkerLife(file: WorkerLifeFile, config: WorkerLifeSettings): WorkerLife {
  const scaling = {
    queueTimeMs: file.scaleQueueTimeMs ?? config.scaleQueueTimeMs,
    upCooldownMs: file.scaleUpCooldownMs ?? config.scaleUpCooldownMs,
    downCooldownMs: file.scaleDownCooldownMs ?? config.scaleDownCooldownMs,
  }
  const recycling = {
    afterJobs: file.recycleAfterJobs ?? config.recycleAfterJobs,
    aboveBytes: file.recycleAboveBytes ?? config.recycleAboveBytes,
  }
  return {
    recoveryWindowMs: file.recoveryWindowMs ?? config.recoveryWindowMs,
    recycling: recycling.afterJobs + recycling.aboveBytes > 0 ? recycling : undefined,
    scaling: (file.scaleWorkers ?? config.scaleWorkers) ? scaling : undefined,
  }
}

type WorkerLifeSettings = ValuesOf<typeof workerLifeRows>
