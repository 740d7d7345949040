/** The errors of models and workers, with TorchServe's texts (contract rest-api §3). */
import type { Config } from '../config/config.js'
import { MarinaError, messageOf } from '../errors.js'

const ASK_FOR_WORKERS =
  'has no worker to serve inference request. Please use scale workers API to add workers. ' +
  'If this is a sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize'

/** 503: nobody will work on a request for this model. */
export const noWorker = (model: string) => new MarinaError('no-worker', `Model "${model}" ${ASK_FOR_WORKERS}`)
/**
 * 503: the version has as many jobs as it may. The text is that of {@link noWorker}, as in TorchServe; the code tells them
 * apart, and `queueTimeMs` when it is worth asking again.
 */
export const queueFull = (model: string, queueTimeMs: number) =>
  new MarinaError('queue-full', `Model "${model}" ${ASK_FOR_WORKERS}`, { retryAfterMs: queueTimeMs })
/**
 * 500, or 507 when memory ran out: a worker did not come up because of `cause`, whose text is appended under `marina
 * serve` and where errors are verbose; TorchServe says nothing of it.
 * Without a version in the request TorchServe writes the literal `null`.
 */
export function workersFailed(cause: unknown, { model, version, config }: WorkersFailed): MarinaError {
  const code = cause instanceof MarinaError ? cause.code : 'worker-failed'
  const text = `Failed to start workers for model ${model} version: ${version ?? 'null'}`
  const verbose = config.verboseErrors || config.profile === 'marina'
  return new MarinaError(code, verbose ? `${text}. ${messageOf(cause)}` : text, { cause })
}
/** Whose workers failed, and who is told why. */
export interface WorkersFailed {
  readonly model: string
  /** As in the request. */
  readonly version: string | undefined
  readonly config: Pick<Config, 'profile' | 'verboseErrors'>
}

/** 500: one worker of the model needs more GPUs than it may use. */
export const tooFewGpus = (model: string, parallelLevel: number) =>
  new MarinaError('worker-failed', `No enough gpu devices for model:${model} parallelLevel:${parallelLevel}`)
/** 409: that version is registered, or being registered. */
export const alreadyRegistered = (model: string, version: string) =>
  new MarinaError('conflict', `Model version ${version} is already registered for model ${model}`)
/** 403: other versions would be left without a default. */
export const defaultVersionInUse = (model: string) =>
  new MarinaError('default-version-in-use', `Cannot remove default version for model ${model}`)
/** 404 of set-default, whose text has no colons. */
export const noSuchDefault = (model: string, version: string) =>
  new MarinaError('version-not-found', `Model version ${version} does not exist for model ${model}`)
/** 400: fewer workers at most than at least. */
export const maxBelowMin = () => new MarinaError('bad-request', 'max_worker cannot be less than min_worker.')
/** 400: the archive says nothing about its name, and neither does the registration. */
export const nameMissing = () => new MarinaError('invalid-archive', 'Model name is not defined.')
/** 400: nothing that is an archive came from `url`; `cause` says why, for the log. */
export const downloadFailed = (url: string, cause?: unknown) =>
  new MarinaError('download-failed', `Failed to download archive from: ${url}`, { cause })
/** 500: the model store has a file of that name already, which a download never replaces. */
export const modelFileExists = (name: string) =>
  new MarinaError('model-file-exists', `Model file already exists ${name}`)
/** 409: what a version was loaded from is another model, or another version of it, by now. */
export const sourceChanged = (
  { model, version, url }: { model: string; version: string; url: string },
  now: { model: string; version: string },
) =>
  new MarinaError(
    'conflict',
    `${url} holds ${now.model} ${now.version} now, and cannot take the place of ${model} ${version}. Register it beside that.`,
  )
/** 409: a version went away, or was loaded again, while it was being reloaded. */
export const overtaken = (model: string, version: string) =>
  new MarinaError('conflict', `Version ${version} of model ${model} was changed while it was being reloaded.`)
