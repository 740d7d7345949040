/** The faults, one function each: what is done to a model of a server under load, and what came of it in a few words. */
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deployArchive } from '../../deploy/index.js'
import { demand } from '../../deploy/management.js'
import { MarinaError } from '../../errors.js'
import { createClient } from './load.js'
import { queueRoom, readyWorkers, recyclingsOf, replaysOf, scaleTo, untilWhole, WORKERS } from './server.js'
import type { FaultKind } from './schedule.js'
import type { Growth, Subject } from './subject.js'
import type { ServerUrls } from '../server-process.js'

/** What a fault came to. `hit`: a job was running in what died, so that it had to be tried again. */
export interface FaultResult {
  readonly note: string
  readonly hit: boolean
  /** Requests beside the load that ended otherwise than by an answer or a refusal; in a flood only. */
  readonly lost: number
}

/** A fault's target. */
export interface Target {
  readonly server: ServerUrls
  readonly subject: Subject
  /** Of this kind of fault on this model, from 0. */
  readonly round: number
}

/** Performs each kind; resolves when the model is whole again. */
export const faults: Readonly<Record<FaultKind, (target: Target) => Promise<FaultResult>>> = {
  kill: (target) => endWorker(target, 'SIGKILL'),
  stop: (target) => endWorker(target, 'SIGSTOP'),
  rollout: rollOut,
  scale: scaleDownAndUp,
  grow: growWorker,
  flood: floodQueue,
}

const done = (note: string): FaultResult => ({ note, hit: false, lost: 0 })

async function endWorker(target: Target, signal: 'SIGKILL' | 'SIGSTOP'): Promise<FaultResult> {
  const { server, subject, round } = target
  const workers = await untilWhole(server, subject.model)
  const { pid } = workers[round % workers.length] ?? { pid: -1 }
  return { ...(await sendSignal(target, { pid, signal })), lost: 0 }
}

/** Signals a worker, and waits until another is there in its place. */
async function sendSignal(
  { server, subject: { model } }: Target,
  { pid, signal }: { pid: number; signal: 'SIGKILL' | 'SIGSTOP' },
): Promise<{ note: string; hit: boolean }> {
  const before = await replaysOf(server, model)
  const startedMs = performance.now()
  process.kill(pid, signal)
  await untilWhole(server, model, { without: pid })
  const tookSeconds = (performance.now() - startedMs) / 1000
  const replayed = (await replaysOf(server, model)) - before
  const what = replayed > 0 ? `${replayed} running, tried again` : 'nothing running'
  return { note: `${what}; back in ${tookSeconds.toFixed(2)} s`, hit: replayed > 0 }
}

async function rollOut({ server, subject, round }: Target): Promise<FaultResult> {
  const { archives } = subject
  if (archives.length < 2) return done('skipped: one version alone; give two archives of the model')
  const archive = archives[(round + 1) % archives.length] ?? ''
  const { version, removed } = await deployArchive({ ...server, archive, keep: 1, workers: WORKERS })
  return done(`${version} is the default, ${removed.join(', ')} is unregistered`)
}

async function scaleDownAndUp({ server, subject: { model } }: Target): Promise<FaultResult> {
  await untilWhole(server, model)
  await scaleTo(server, model, 1)
  await scaleTo(server, model, WORKERS)
  return done(`${WORKERS} to 1 to ${WORKERS} workers`)
}

/** A model that can be made to grow must be noticed by the server; of any other the largest worker is killed, as the kernel would do it. */
async function growWorker(target: Target): Promise<FaultResult> {
  const { server, subject } = target
  await untilWhole(server, subject.model)
  return subject.grow ? outgrow(target, subject.grow) : killLargest(target)
}

/** Requests that make their worker grow are sent two at a time, so that one look of the server's finds little more. */
const GROW_EVERY_MS = 500
/** Growth that is not noticed by then is not noticed. */
const GROWTH_PATIENCE_MS = 60_000

/** Makes the workers grow until the server replaces one. @throws MarinaError `worker-failed` when it does not */
async function outgrow(
  { server, subject: { model } }: Target,
  { request, mebibytes }: Growth,
): Promise<FaultResult> {
  const before = await recyclingsOf(server, model)
  const startedMs = performance.now()
  const client = createClient(server.inference)
  let sent = 0
  try {
    while ((await recyclingsOf(server, model)) === before) {
      if (performance.now() - startedMs > GROWTH_PATIENCE_MS)
        throw new MarinaError('worker-failed', `no worker of ${model} was replaced after ${sent} requests`)
      for (let at = 0; at < 2; at++, sent++) await client.post(`/predictions/${model}`, request)
      await sleep(GROW_EVERY_MS)
    }
  } finally {
    client.close()
  }
  await untilWhole(server, model)
  const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(2)
  return done(`leaked ${sent * mebibytes} MiB, one replaced by the server; ${tookSeconds} s`)
}

async function killLargest(target: Target): Promise<FaultResult> {
  const { server, subject } = target
  const workers = await readyWorkers(server, subject.model)
  const [largest] = [...workers].sort((a, b) => b.memoryUsage - a.memoryUsage)
  if (!largest) return done('skipped: no worker was ready')
  const { note, hit } = await sendSignal(target, { pid: largest.pid, signal: 'SIGKILL' })
  return { note: `killed at ${Math.round(largest.memoryUsage / 2 ** 20)} MiB: ${note}`, hit, lost: 0 }
}

/** Requests of a flood beyond what the queue holds. */
const TOO_MANY = 200

/**
 * Fills the queue of a second model made of the same archive: each request must be answered, or refused at once with 503.
 * The load's own model must not notice.
 */
async function floodQueue({ server, subject }: Target): Promise<FaultResult> {
  const name = `${subject.model}-flooded`
  const model = `${server.management}/models/${name}`
  const url = encodeURIComponent(basename(subject.archives[0] ?? ''))
  const query = `url=${url}&model_name=${name}&initial_workers=1&synchronous=true`
  await demand(`Register ${name}`, `${server.management}/models?${query}`, { method: 'POST' })
  const flood = (await queueRoom(server, name)) + TOO_MANY
  const ends = await Promise.all(
    Array.from({ length: flood }, async (_, at) => {
      const client = createClient(server.inference)
      const ended = await client.post(`/predictions/${name}`, subject.requestOf(at))
      client.close()
      return ended.kind === 'answered' ? 'answered' : ended.why
    }),
  )
  await demand(`Unregister ${name}`, model, { method: 'DELETE' })
  const answered = ends.filter((end) => end === 'answered').length
  const refused = ends.filter((end) => end.startsWith('503')).length
  const note = `${flood} at once: ${answered} answered, ${refused} refused`
  return { note, hit: false, lost: flood - answered - refused }
}
