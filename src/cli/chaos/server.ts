/** The server under test as its own APIs show it: its models' workers, and what it counts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { demand } from '../../deploy/management.js'
import { MarinaError } from '../../errors.js'
import type { ServerUrls } from '../server-process.js'

/** A worker as describe shows it. */
export interface ShownWorker {
  readonly pid: number
  readonly status: string
  /** Resident bytes. */
  readonly memoryUsage: number
}

/** Workers of each model while nothing is done to it. */
export const WORKERS = 2
/** A worker that is not back after this time does not come back. */
const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 25

interface ShownVersion {
  readonly workers: readonly ShownWorker[]
  readonly jobQueueStatus: { readonly remainingCapacity: number }
}

/** A model's default version. */
async function describe({ management }: ServerUrls, model: string): Promise<ShownVersion> {
  const { text } = await demand(`Describe ${model}`, `${management}/models/${model}`)
  const [version] = JSON.parse(text) as ShownVersion[]
  if (!version) throw new MarinaError('deploy-failed', `${model} has no version`)
  return version
}

/** The ready workers of a model's default version. */
export async function readyWorkers(server: ServerUrls, model: string): Promise<readonly ShownWorker[]> {
  return (await describe(server, model)).workers.filter(({ status }) => status === 'READY')
}

/** How many more requests may wait for a model. */
export async function queueRoom(server: ServerUrls, model: string): Promise<number> {
  return (await describe(server, model)).jobQueueStatus.remainingCapacity
}

/** Waits until a model has all its workers, and gives them. @throws MarinaError `worker-failed` when they do not come */
export async function untilWhole(
  server: ServerUrls,
  model: string,
  { without }: { without?: number } = {},
): Promise<readonly ShownWorker[]> {
  const untilMs = performance.now() + PATIENCE_MS
  for (;;) {
    const ready = await readyWorkers(server, model)
    if (ready.length >= WORKERS && !ready.some(({ pid }) => pid === without)) return ready
    if (performance.now() > untilMs)
      throw new MarinaError(
        'worker-failed',
        `${model} has ${ready.length} of ${WORKERS} workers after ${PATIENCE_MS / 1000} s`,
      )
    await sleep(LOOK_EVERY_MS)
  }
}

/** Scales a model, and waits until it has what it is to have. */
export async function scaleTo(server: ServerUrls, model: string, workers: number): Promise<void> {
  const query = `min_worker=${workers}&max_worker=${workers}&synchronous=true`
  await demand(`Scale ${model} to ${workers}`, `${server.management}/models/${model}?${query}`, {
    method: 'PUT',
  })
}

/** The sum over a counter's series of one model, in the text of `/metrics`. */
export function counterOf(text: string, { name, model }: { name: string; model: string }): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(`="${model}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** How many workers of a model the server has replaced so far because they had grown. */
export async function recyclingsOf({ metrics }: ServerUrls, model: string): Promise<number> {
  const { text } = await demand('Read the metrics', `${metrics}/metrics`)
  return counterOf(text, { name: 'inference_worker_recyclings_total', model })
}

/** How many requests of a model were given to another worker so far, since the one they had died. */
export async function replaysOf({ metrics }: ServerUrls, model: string): Promise<number> {
  const { text } = await demand('Read the metrics', `${metrics}/metrics`)
  return counterOf(text, { name: 'inference_replays_total', model })
}
