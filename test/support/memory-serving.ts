/** Models without workers: the second implementation of `Catalog` and `Infer`, for tests of what stands above them. */
import { MarinaError, modelNotFound, versionNotFound } from '../../src/errors.js'
import type { JobKey } from '../../src/protocol/messages.js'
import type { Catalog, Registration, VersionDescription } from '../../src/serving/catalog.js'
import type { InferenceRequest, Infer, Job, OnChunk, Outcome } from '../../src/serving/job.js'

/** Answers one request, as a worker's handler would. */
export type Answerer = (request: InferenceRequest, onChunk?: OnChunk) => Outcome | Promise<Outcome>

/** What a test says about a version; the rest has defaults. */
export type VersionFacts = Partial<VersionDescription> & { answer?: Answerer }

/** An `ok` outcome. */
export const ok = (
  body: string | Uint8Array,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Outcome => ({ kind: 'ok', status, headers, body: typeof body === 'string' ? Buffer.from(body) : body })

/** A worker slot in a state. */
export const worker = (
  facts: Partial<VersionDescription['workers'][number]> = {},
): VersionDescription['workers'][number] => ({
  id: '9000',
  startTime: '2026-11-24T02:00:00.000Z',
  status: 'READY',
  state: 'ready',
  pid: 4711,
  usage: () => ({ memory: 1024, gpu: undefined }),
  jobs: 0,
  restarts: 0,
  isGivenUp: false,
  lastFailure: undefined,
  ...facts,
})

/** The models, and what was asked of them. */
export interface MemoryServing {
  readonly catalog: Catalog
  readonly infer: Infer
  readonly requests: InferenceRequest[]
  readonly registrations: Registration[]
  add(name: string, version: string, facts?: VersionFacts): void
  /** What workers do from now on when they are started. */
  startWorkers: () => Promise<void>
}

/** Makes a server's models in memory. */
export function memoryServing(): MemoryServing {
  const models = new Map<string, { defaultVersion: string; versions: Map<string, Required<Entry>> }>()
  type Entry = { description: VersionDescription; answer: Answerer }

  const modelOf = (name: string) => {
    const model = models.get(name)
    if (!model) throw modelNotFound(name)
    return model
  }
  const entryOf = (name: string, version: string | undefined) => {
    const model = modelOf(name)
    const wanted = version ?? model.defaultVersion
    const entry = model.versions.get(wanted)
    if (!entry) throw versionNotFound(name, wanted)
    return { model, entry, version: wanted }
  }

  const serving: MemoryServing = {
    requests: [],
    registrations: [],
    startWorkers: () => Promise.resolve(),
    add(name, version, { answer = () => ok('answer'), ...facts } = {}) {
      const model = models.get(name) ?? { defaultVersion: version, versions: new Map<string, Entry>() }
      models.set(name, model)
      model.versions.set(version, { answer, description: describe(name, version, facts) })
    },
    async infer(request, onChunk) {
      const { entry, version } = entryOf(request.model, request.version)
      serving.requests.push(request)
      return { job: jobOf(request, version), outcome: await entry.answer(request, onChunk) }
    },
    catalog: {
      async register(registration) {
        serving.registrations.push(registration)
        if (registration.url === '') throw new MarinaError('model-not-found', 'empty url')
        const name = registration.modelName ?? registration.url.replace(/\.mar$/, '')
        if (models.get(name)?.versions.has('1.0'))
          throw new MarinaError('conflict', `Model version 1.0 is already registered for model ${name}`)
        const workers = registration.initialWorkers ?? 0
        serving.add(name, '1.0', { modelUrl: registration.url, workers: slots(workers) })
        return Promise.resolve({ name, version: '1.0', workers, ready: serving.startWorkers() })
      },
      reload(name, version) {
        entryOf(name, version)
        return Promise.resolve({ drained: Promise.resolve() })
      },
      async unregister(name, version) {
        const { model, version: found } = entryOf(name, version)
        if (found === model.defaultVersion && model.versions.size > 1)
          throw new MarinaError('default-version-in-use', `Cannot remove default version for model ${name}`)
        model.versions.delete(found)
        if (model.versions.size === 0) models.delete(name)
        return Promise.resolve()
      },
      scale(name, version, { min, max }) {
        const { entry } = entryOf(name, version)
        const ready = serving.startWorkers()
        entry.description = { ...entry.description, minWorkers: min, maxWorkers: max, workers: slots(min) }
        return { ready }
      },
      setDefault(name, version) {
        const model = modelOf(name)
        if (!model.versions.has(version))
          throw new MarinaError(
            'version-not-found',
            `Model version ${version} does not exist for model ${name}`,
          )
        model.defaultVersion = version
      },
      list: () =>
        [...models]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([modelName, { defaultVersion, versions }]) => ({
            modelName,
            modelUrl: versions.get(defaultVersion)?.description.modelUrl ?? '',
            defaultVersion,
            versions: [...versions.keys()],
          })),
      describe: (name, version) =>
        version === 'all'
          ? [...modelOf(name).versions.values()].map(({ description }) => description)
          : [entryOf(name, version).entry.description],
    },
  }
  return serving
}

const slots = (count: number) => Array.from({ length: count }, (_, i) => worker({ id: String(9000 + i) }))

function describe(name: string, version: string, facts: Partial<VersionDescription>): VersionDescription {
  return {
    modelName: name,
    modelVersion: version,
    modelUrl: `${name}.mar`,
    runtime: 'node',
    isDefault: false,
    minWorkers: 1,
    maxWorkers: 1,
    batchSize: 4,
    maxBatchDelayMs: 100,
    responseTimeoutMs: 120_000,
    startupTimeoutMs: 120_000,
    recoveryWindowMs: 300_000,
    devices: { type: undefined, ids: undefined, parallelType: undefined, parallelLevel: 0 },
    onGpu: false,
    clientTimeoutMs: Infinity,
    jobTickets: false,
    maxJobs: Infinity,
    loadedAtStartup: false,
    hasServed: true,
    workers: [worker()],
    queue: { capacity: 100, pending: 0 },
    schema: undefined,
    examples: undefined,
    modelDir: '/nowhere',
    ...facts,
  }
}

let lastKey = 0

/** A settled job with plausible times. */
function jobOf(request: InferenceRequest, version: string): Job {
  const at = request.receivedMs
  return {
    key: ++lastKey as JobKey,
    request,
    model: request.model,
    version,
    deadlineMs: request.deadlineMs ?? Infinity,
    settled: Promise.resolve({ kind: 'streamed' }),
    timing: {
      receivedMs: at,
      acceptedMs: at + 1,
      sentMs: at + 2,
      startedMs: at + 3,
      settledMs: at + 4,
      handler: { preprocessUs: 100, inferenceUs: 200, postprocessUs: 300, batch: 1 },
      replays: 0,
    },
  }
}
