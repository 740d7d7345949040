/** One batch through a handler: preprocess, inference, postprocess, each row free to fail on its own. */
import { isFailure, type Failure, type Handler, type Reply, type Rows } from '../handlers/handler.js'
import type { HandlerTiming, WireOutcome } from '../protocol/messages.js'
import type { WorkerJob } from './job.js'
import { invalidOutput, rejectedOutcome, thrownOutcome } from './outcome.js'

/** How a job of a batch ended: a reply that is still to be written, or an outcome. */
export type Row =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'ended'; readonly outcome: WireOutcome }

/** What a batch came to: a row for each job, in order, and the time of each phase. */
export interface BatchResult {
  readonly rows: readonly Row[]
  readonly timing: HandlerTiming
}

/** A loaded handler with its state. */
export interface LoadedHandler {
  readonly handler: Handler
  readonly state: unknown
  readonly modelDir: string
  readonly retryItems: boolean
}

/** The handler returned something that is no list with one row for each job. */
class RowsError extends Error {}

/** Runs one batch. Never throws: what the handler throws ends its jobs. */
export async function runBatch(loaded: LoadedHandler, jobs: readonly WorkerJob[]): Promise<BatchResult> {
  const clock = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: jobs.length }
  try {
    return { rows: await runPhases(loaded, jobs, clock), timing: clock }
  } catch (error) {
    if (loaded.retryItems && jobs.length > 1) return runAlone(loaded, jobs)
    const outcome =
      error instanceof RowsError ? invalidOutput(error.message) : thrownOutcome(error, loaded.modelDir)
    return { rows: jobs.map(() => ({ kind: 'ended', outcome })), timing: clock }
  }
}

/** After an exception on a batch: each job again, alone, so that only the one that fails alone fails. */
async function runAlone(loaded: LoadedHandler, jobs: readonly WorkerJob[]): Promise<BatchResult> {
  const results: BatchResult[] = []
  for (const job of jobs) results.push(await runBatch(loaded, [job]))
  const sum = (phase: keyof HandlerTiming) => results.reduce((total, { timing }) => total + timing[phase], 0)
  return {
    rows: results.flatMap(({ rows }) => rows),
    timing: {
      preprocessUs: sum('preprocessUs'),
      inferenceUs: sum('inferenceUs'),
      postprocessUs: sum('postprocessUs'),
      batch: jobs.length,
    },
  }
}

type Clock = { -readonly [Phase in keyof HandlerTiming]: HandlerTiming[Phase] }

async function runPhases(loaded: LoadedHandler, jobs: readonly WorkerJob[], clock: Clock): Promise<Row[]> {
  const { handler, state } = loaded
  const ended = new Array<Row | undefined>(jobs.length)
  let alive: readonly number[] = jobs.map((_, at) => at)
  let values: readonly unknown[] = jobs
  const phase = async (
    name: 'preprocess' | 'inference' | 'postprocess',
    call: ((rows: readonly unknown[], jobs: readonly WorkerJob[]) => Rows<unknown> | undefined) | undefined,
  ) => {
    if (!call || alive.length === 0) return
    const start = performance.now()
    const returned = call(values, pick(jobs, alive))
    // Without a turn of the loop where the handler did not ask for one.
    const rows: unknown = Array.isArray(returned) ? returned : await returned
    clock[`${name}Us`] = Math.round((performance.now() - start) * 1000)
    checkRows(rows, { name, expected: alive.length })
    const kept: number[] = []
    const next: unknown[] = []
    rows.forEach((row, at) => {
      const job = alive[at] ?? 0
      if (isFailure(row)) ended[job] = { kind: 'ended', outcome: rejectedOutcome(row satisfies Failure) }
      else {
        kept.push(job)
        next.push(row)
      }
    })
    alive = kept
    values = next
  }
  await phase('preprocess', handler.preprocess && ((_, of) => handler.preprocess?.(of, state)))
  await phase('inference', handler.inference && ((rows, of) => handler.inference?.(rows, state, of)))
  await phase('postprocess', handler.postprocess && ((rows, of) => handler.postprocess?.(rows, state, of)))
  // The last phase's rows are replies; a value that no reply can be is refused when it is written.
  alive.forEach((job, at) => (ended[job] = { kind: 'reply', reply: values[at] as Reply }))
  return ended.map(
    (row) => row ?? { kind: 'ended', outcome: invalidOutput('The handler gave no row for this job.') },
  )
}

const pick = (jobs: readonly WorkerJob[], rows: readonly number[]): readonly WorkerJob[] =>
  rows.length === jobs.length ? jobs : rows.flatMap((row) => jobs[row] ?? [])

function checkRows(
  rows: unknown,
  { name, expected }: { name: string; expected: number },
): asserts rows is readonly unknown[] {
  if (!Array.isArray(rows))
    throw new RowsError(`${name} must return an array with one row for each job, not ${typeof rows}`)
  if (rows.length !== expected)
    throw new RowsError(`${name} returned ${rows.length} rows for ${expected} jobs`)
}
