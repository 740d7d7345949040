/**
 * Brings an archive to a running server over its HTTP API:
 *
 *     register, with a warm worker → ask its examples → make it the default → unregister old versions
 *
 * The default version moves only after the new one has answered as it promised; until then nothing changes for clients.
 */
import { resolve } from 'node:path'
import { openArchive, type Archive } from '../archive/index.js'
import { messageOf } from '../errors.js'
import { askExamples } from './examples.js'
import {
  ask,
  defaultVersion,
  demand,
  deployFailed,
  registeredVersions,
  type ServerAddresses,
} from './management.js'

/** What is deployed, and where. */
export interface DeployOptions extends ServerAddresses {
  /** Path of the archive; the server must be able to read it there. */
  readonly archive: string
  /** Versions that stay registered, the new one among them; default 3. */
  readonly keep?: number
  /** Workers that the version is started with; default 1. */
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly log?: (text: string) => void
}

/** What a deployment came to. */
export interface Deployment {
  readonly model: string
  readonly version: string
  /** The default version before; undefined where the model was new. */
  readonly previous: string | undefined
  /** Versions that were unregistered. */
  readonly removed: readonly string[]
  /** It was registered from this archive already. */
  readonly alreadyThere: boolean
  /** Examples that were asked. */
  readonly examples: number
}

/**
 * Deploys an archive. Deploying it again changes nothing.
 * @throws MarinaError `server-unreachable`; `deploy-failed` with the server's text or the example that was answered wrongly,
 * the version being unregistered again then; `invalid-archive`; the signal's reason, the version being unregistered, too
 */
export async function deployArchive(options: DeployOptions): Promise<Deployment> {
  const archive = await openArchive(options.archive)
  try {
    return await deploy(archive, options)
  } finally {
    await archive.close()
  }
}

async function deploy(archive: Archive, options: DeployOptions): Promise<Deployment> {
  const { management, keep = 3, signal, log = () => undefined } = options
  const { modelName: model, modelVersion: version } = archive.manifest.model
  if (model === undefined) throw deployFailed(`${options.archive}: its manifest has no model name`)
  const path = resolve(options.archive)
  const known = await registeredVersions(management, model, signal)
  const previous = known.length > 0 ? (await defaultVersion(management, model, signal))?.version : undefined
  const same = known.find((row) => row.version === version)
  if (same && same.url !== path) {
    throw deployFailed(
      `${model} ${version} is registered from ${same.url}, not from ${path}. Pack the archive with another version.`,
    )
  }
  const place = { ...options, log, path, model, version, previous }
  const undo = (error: unknown) => (same ? Promise.reject(asError(error)) : takeBack(place, error))
  // What the server refuses it has not registered, and may be another's; a call that was cut off may yet go through.
  if (!same)
    await register(place).catch((error: unknown) =>
      signal?.aborted ? undo(error) : Promise.reject(asError(error)),
    )
  const examples = await bringIn(archive, place).catch(undo)
  const removed = oldVersions([...known.map((row) => row.version), version], { keep, serving: version })
  for (const old of removed) {
    await demand(`${model} ${old} cannot be unregistered`, versionUrl(management, model, old), {
      method: 'DELETE',
      signal,
    })
    log(`${model} ${old} was unregistered: ${keep} versions stay`)
  }
  return { model, version, previous, removed, alreadyThere: same !== undefined, examples }
}

interface Place extends DeployOptions {
  readonly log: (text: string) => void
  readonly path: string
  readonly model: string
  readonly version: string
  readonly previous: string | undefined
}

/** Asks the examples of a version that is registered, and makes it the default; how many were asked. */
async function bringIn(archive: Archive, place: Place): Promise<number> {
  const { management, inference, signal, log, model, version, previous } = place
  const url = `${inference}/predictions/${encodeURIComponent(model)}/${encodeURIComponent(version)}`
  const examples = await askExamples(archive, { url, signal })
  if (examples > 0) log(`${model} ${version} answered ${examples} examples as promised`)
  if (previous === version) return examples
  await demand(
    `${model} ${version} cannot become the default`,
    `${versionUrl(management, model, version)}/set-default`,
    { method: 'PUT', signal },
  )
  log(
    previous === undefined
      ? `${model} ${version} serves`
      : `${model} ${version} serves instead of ${previous}`,
  )
  return examples
}

/** Unregisters a version that did not come in; the one before serves as it did. Rejects with what went wrong. */
async function takeBack(
  { management, model, version, previous, signal }: Place,
  error: unknown,
): Promise<never> {
  // Without the signal: when that was aborted, this must be done all the same. A version that never came in is not there.
  const answer = await ask(versionUrl(management, model, version), { method: 'DELETE' }).catch(
    () => undefined,
  )
  signal?.throwIfAborted()
  if (answer?.status !== 200) throw asError(error)
  const serving = previous === undefined ? 'the model is not registered' : `${previous} still serves`
  throw deployFailed(`${messageOf(error)}. ${model} ${version} was unregistered; ${serving}.`, error)
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(messageOf(error)))

const versionUrl = (management: string, model: string, version: string): string =>
  `${management}/models/${encodeURIComponent(model)}/${encodeURIComponent(version)}`

async function register({
  management,
  workers = 1,
  signal,
  log,
  path,
  model,
  version,
}: Place): Promise<void> {
  log(
    `registering ${model} ${version}, and waiting for ${workers === 1 ? 'its worker' : `${workers} workers`}`,
  )
  const query = new URLSearchParams({
    url: path,
    model_name: model,
    initial_workers: String(workers),
    synchronous: 'true',
  })
  await demand(`${model} ${version} cannot be registered`, `${management}/models?${query.toString()}`, {
    method: 'POST',
    signal,
  })
}

/** Versions beyond the `keep` newest, oldest first; never the one that serves. */
export function oldVersions(
  versions: readonly string[],
  { keep, serving }: { keep: number; serving: string },
): string[] {
  const newestFirst = [...new Set(versions)].sort((a, b) => b.localeCompare(a, undefined, { numeric: true }))
  const others = newestFirst.filter((version) => version !== serving)
  return others.slice(Math.max(0, keep - 1)).reverse()
}
