/** One run under faults: the load, the faults at their times, and what both came to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.js'
import { deployArchive } from '../../deploy/index.js'
import { demand } from '../../deploy/management.js'
import { faults, type FaultResult } from './faults.js'
import { startLoad, type Load } from './load.js'
import { scheduleOf, type FaultKind } from './schedule.js'
import { WORKERS } from './server.js'
import type { Subject } from './subject.js'
import { lostOf, sumOf, type Tally } from './tally.js'
import type { ServerProcess, ServerUrls } from '../server-process.js'

/** A fault that was performed; `failed`: what was asked of the server did not come about. */
export interface FaultRecord extends FaultResult {
  readonly kind: FaultKind
  readonly model: string
  readonly atMs: number
  readonly failed: boolean
}

/** What a run came to. */
export interface ChaosResult {
  readonly models: readonly { readonly model: string; readonly tally: Tally }[]
  readonly faults: readonly FaultRecord[]
}

/** What a run is told. */
export interface ChaosOptions {
  readonly server: ServerUrls
  readonly subjects: readonly Subject[]
  readonly seconds: number
  readonly connections: number
  readonly signal: AbortSignal
  readonly onFault: (fault: FaultRecord) => void
}

/** Serves the first version of each subject, by two workers. */
export async function serveSubjects(
  server: ServerUrls,
  subjects: readonly Subject[],
  signal: AbortSignal,
): Promise<void> {
  for (const { archives } of subjects)
    await deployArchive({ ...server, archive: archives[0] ?? '', workers: WORKERS, signal })
}

/** Loads a server that serves the subjects; when the signal is aborted, what is done so far is the result. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { server, subjects, connections, seconds, signal } = options
  const load = startLoad(subjects, { servers: [server.inference], connections, attempts: 1 })
  const startedMs = performance.now()
  const records: FaultRecord[] = []
  try {
    for (const { atMs, kind, model } of scheduleOf({ seconds, models: subjects.length })) {
      await until(startedMs + atMs, signal)
      const subject = subjects[model]
      if (signal.aborted || !subject) break
      const round = records.filter((record) => record.kind === kind && record.model === subject.model).length
      const record = await perform(kind, { server, subject, round, startedMs })
      records.push(record)
      options.onFault(record)
    }
    await until(startedMs + seconds * 1000, signal)
  } finally {
    await load.stop()
  }
  return { models: talliesOf(subjects, load), faults: records }
}

async function perform(
  kind: FaultKind,
  { startedMs, ...target }: { server: ServerUrls; subject: Subject; round: number; startedMs: number },
): Promise<FaultRecord> {
  const about = { kind, model: target.subject.model, atMs: performance.now() - startedMs }
  try {
    return { ...about, ...(await faults[kind](target)), failed: false }
  } catch (error) {
    return { ...about, note: messageOf(error), hit: false, lost: 0, failed: true }
  }
}

const talliesOf = (subjects: readonly Subject[], load: Load) =>
  subjects.map(({ model }) => ({ model, tally: load.tallyOf(model) }))

/** Waits until a time, or until the signal is aborted. */
async function until(atMs: number, signal: AbortSignal): Promise<void> {
  const leftMs = atMs - performance.now()
  if (leftMs > 0) await sleep(leftMs, undefined, { signal }).catch(() => undefined)
}

/** What of a run counts against the server: requests without their answer, and faults that it did not come back from. */
export function lossOf({ models, faults }: ChaosResult): number {
  const lostInLoad = lostOf(sumOf(models.map(({ tally }) => tally)))
  return faults.reduce((sum, { lost, failed }) => sum + lost + (failed ? 1 : 0), lostInLoad)
}

const HANDOVER_MS = { before: 2000, after: 2000 }
/** One attempt at each server, and one more of each while the first is going. */
const HANDOVER_ATTEMPTS = 4

/** What ending one of two servers came to. */
export interface HandoverResult {
  readonly models: ChaosResult['models']
  /** How long the server took from SIGTERM to its end. */
  readonly tookMs: number
  readonly ended: string
}

/** Ends the first of two servers by SIGTERM while clients that try again at the other load both. */
export async function runHandover(options: {
  servers: readonly [ServerProcess, ServerProcess]
  subjects: readonly Subject[]
  connections: number
  signal: AbortSignal
}): Promise<HandoverResult> {
  const { servers, subjects, connections, signal } = options
  const [leaving] = servers
  const urls = servers.map(({ inference }) => inference)
  const load = startLoad(subjects, { servers: urls, connections, attempts: HANDOVER_ATTEMPTS })
  try {
    await until(performance.now() + HANDOVER_MS.before, signal)
    const startedMs = performance.now()
    await leaving.stop()
    const tookMs = performance.now() - startedMs
    await until(performance.now() + HANDOVER_MS.after, signal)
    await load.stop()
    return { models: talliesOf(subjects, load), tookMs, ended: await leaving.exited }
  } finally {
    await load.stop()
  }
}

/** Asks each model once, so that a request that cannot be answered is told from one that is lost. @throws MarinaError `deploy-failed` */
export async function probe({ inference }: ServerUrls, subjects: readonly Subject[]): Promise<void> {
  for (const { model, requestOf } of subjects) {
    const { body, contentType } = requestOf(0)
    await demand(`Ask ${model} once`, `${inference}/predictions/${model}`, {
      method: 'POST',
      body: typeof body === 'string' ? Buffer.from(body) : body,
      ...(contentType === undefined ? {} : { contentType }),
    })
  }
}
