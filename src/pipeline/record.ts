/** The record of a run: `runs/<utc>-<id>/run.json`, and what its steps said in `<step>.log` beside it. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RunStatus } from './events.js'
import { replaceJson } from './json-file.js'
import type { Selection } from './state.js'
import type { Params } from './step.js'

/** One step of a run. */
export interface StepRecord {
  readonly step: string
  readonly status: 'skipped' | 'done' | 'failed' | 'stopped'
  readonly key: string
  readonly why?: string
  readonly seconds: number
  readonly params: Params
  readonly inputs: Readonly<Record<string, string>>
  /** Paths by output. */
  readonly outputs: Readonly<Record<string, string>>
  readonly report: Params
  /** Bytes that the step's process had resident at most. */
  readonly peakMemoryBytes?: number
  readonly error?: string
}

/** A whole run. */
export interface RunRecord {
  readonly run: string
  readonly pipeline: string
  /** What was asked for, so that it can be gone on with. */
  readonly selection: Selection
  readonly startedAt: string
  readonly status: RunStatus | 'running'
  readonly seconds: number
  /** Of the project, where it is under git. */
  readonly git?: { readonly commit: string; readonly dirty: boolean }
  readonly steps: readonly StepRecord[]
}

/** Writes the record of one run as it goes on. */
export interface Recorder {
  readonly record: RunRecord
  /** Adds a step that came to an end. */
  add(step: StepRecord): Promise<void>
  log(step: string, line: string): void
  /** The file that holds what a step said; undefined where it said nothing. */
  logOf(step: string): string | undefined
  finish(status: RunStatus, seconds: number): Promise<RunRecord>
}

/** Starts the record of a run in `<folder>/runs`. */
export async function startRecord(
  folder: string,
  run: { pipeline: string; selection: Selection },
): Promise<Recorder> {
  const startedAt = new Date().toISOString()
  const id = `${startedAt.replaceAll(/[-:]/g, '').replace('.', '')}-${randomBytes(2).toString('hex')}`
  const place = join(folder, 'runs', id)
  await mkdir(place, { recursive: true })
  const git = await gitState(folder)
  const logs = new Map<string, WriteStream>()
  let record: RunRecord = {
    run: id,
    ...run,
    startedAt,
    status: 'running',
    seconds: 0,
    ...(git && { git }),
    steps: [],
  }
  const write = () => replaceJson(join(place, 'run.json'), record)
  const logOf = (step: string) => join(place, `${step}.log`)
  await write()
  return {
    get record() {
      return record
    },
    async add(step) {
      record = { ...record, steps: [...record.steps, step] }
      await write()
    },
    log(step, line) {
      let log = logs.get(step)
      if (!log) logs.set(step, (log = createWriteStream(logOf(step))))
      log.write(`${line}\n`)
    },
    logOf: (step) => (logs.has(step) ? logOf(step) : undefined),
    async finish(status, seconds) {
      record = { ...record, status, seconds }
      // A log that cannot be written must not hide how the run went.
      const ended = [...logs.values()].map((log) => new Promise((resolve) => log.end(resolve)))
      await Promise.all([write(), ...ended])
      return record
    },
  }
}

const run = promisify(execFile)

/** The commit that a project stands at; undefined where there is no git or no commit. */
async function gitState(folder: string): Promise<RunRecord['git']> {
  try {
    const [head, status] = await Promise.all([
      run('git', ['rev-parse', 'HEAD'], { cwd: folder }),
      run('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: folder }),
    ])
    return { commit: head.stdout.trim(), dirty: status.stdout.trim() !== '' }
  } catch {
    return undefined
  }
}
