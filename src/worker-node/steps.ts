/** Continuous batching: the step loop of a handler that has `step`, with new jobs admitted between two steps. */
import { isFailure, type Step } from '../handlers/handler.js'
import type { HandlerTiming, WireOutcome } from '../protocol/messages.js'
import type { LoadedHandler } from './batch.js'
import type { WorkerJob } from './job.js'
import { encodeBody, invalidOutput, rejectedOutcome, thrownOutcome } from './outcome.js'
import { sendResult, type Uplink } from './uplink.js'

/** What the step loop needs of the runner. */
export interface StepHost {
  readonly uplink: Uplink
  /** Jobs that are active together at most. */
  readonly places: number
  /** Takes up to so many waiting jobs. */
  admit(places: number): Promise<readonly WorkerJob[]>
  done(job: WorkerJob): void
}

/** Runs steps until no job is active. A throw ends all active jobs (contract scheduling §13.1). */
export async function runSteps(
  loaded: LoadedHandler,
  first: readonly WorkerJob[],
  host: StepHost,
): Promise<void> {
  const { uplink, places } = host
  const begun = new Set<WorkerJob>()
  let active: readonly WorkerJob[] = first
  while (active.length > 0) {
    const start = performance.now()
    const rows = await stepOnce(loaded, active)
    const inferenceUs = Math.round((performance.now() - start) * 1000)
    const timing: HandlerTiming = { preprocessUs: 0, inferenceUs, postprocessUs: 0, batch: active.length }
    active = active.filter((job, at) => {
      const outcome = job.isAborted ? emptyOk : writeStep(job, rows[at], { begun, uplink })
      if (!outcome) return true
      sendResult(uplink, { key: job.wire.key, timing, outcome })
      begun.delete(job)
      host.done(job)
      return false
    })
    uplink.flush()
    await uplink.roomy()
    // One turn of the event loop, so that jobs and cancels that have arrived are seen.
    await new Promise((resolve) => setImmediate(resolve))
    if (active.length < places) active = [...active, ...(await host.admit(places - active.length))]
  }
}

const emptyOk: Extract<WireOutcome, { kind: 'ok' }> = {
  kind: 'ok',
  status: 200,
  headers: {},
  body: { kind: 'inline', data: new Uint8Array() },
}

/** Writes what one step gave for a job; returns how the job ended, if it did. One that never streamed ends in one piece. */
function writeStep(
  job: WorkerJob,
  row: Step | WireOutcome | undefined,
  { begun, uplink }: { begun: Set<WorkerJob>; uplink: Uplink },
): WireOutcome | undefined {
  if (row === undefined) return invalidOutput('step gave no row for this job')
  if ('kind' in row) return row
  try {
    const data = row.chunk === undefined ? new Uint8Array() : encodeBody(row.chunk)
    if (row.done && !begun.has(job)) return { ...emptyOk, body: { kind: 'inline', data } }
    if (data.length > 0) {
      const head = begun.has(job) ? {} : { head: { status: 200, headers: {} } }
      uplink.send({ kind: 'chunk', key: job.wire.key, ...head, body: { kind: 'inline', data } })
      begun.add(job)
    }
    return row.done ? emptyOk : undefined
  } catch (error) {
    return invalidOutput(`A piece of the handler's answer cannot be written: ${String(error)}`)
  }
}

/** One step of all active jobs, as rows that are what their type says: handlers in JavaScript are not type-checked. */
async function stepOnce(
  loaded: LoadedHandler,
  active: readonly WorkerJob[],
): Promise<readonly (Step | WireOutcome)[]> {
  try {
    const rows: unknown = await loaded.handler.step?.(active, loaded.state)
    if (!Array.isArray(rows) || rows.length !== active.length) {
      const found = Array.isArray(rows) ? `${rows.length} rows` : typeof rows
      const outcome = invalidOutput(
        `step must return an array with one row for each of ${active.length} jobs, not ${found}`,
      )
      return active.map(() => outcome)
    }
    return rows.map(rowOf)
  } catch (error) {
    const outcome = thrownOutcome(error, loaded.modelDir)
    return active.map(() => outcome)
  }
}

function rowOf(row: unknown): Step | WireOutcome {
  if (isFailure(row)) return rejectedOutcome(row)
  if (typeof row !== 'object' || row === null || !('done' in row) || typeof row.done !== 'boolean')
    return invalidOutput('a row of step must be { done: true or false, chunk }')
  // Cast: whatever the chunk is, encoding it decides whether it can be written.
  return 'chunk' in row && row.chunk !== undefined
    ? { done: row.done, chunk: row.chunk as NonNullable<Step['chunk']> }
    : { done: row.done }
}
