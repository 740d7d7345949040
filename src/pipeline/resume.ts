/** What the last run of a project was asked for, so that it can be gone on with. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.js'
import { noRunToResume } from './errors.js'
import { isRecord } from './json-file.js'
import type { RunRecord } from './record.js'
import type { Selection } from './state.js'

/** The last run of a project, as far as its record says. */
export interface LastRun {
  readonly run: string
  readonly status: RunRecord['status']
  /** Of the steps that were to run in any case, those that are not done yet. */
  readonly selection: Selection
}

/** Reads the record of the newest run. @throws MarinaError `step-failed` where there is none, or it is damaged */
export async function lastRun(folder: string): Promise<LastRun> {
  const runs = join(folder, 'runs')
  const name = (await readdir(runs).catch(() => [])).sort().at(-1)
  if (name === undefined) throw noRunToResume(folder, 'nothing was run yet')
  const file = join(runs, name, 'run.json')
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isRunRecord(value)) throw new Error('it is not the record of a run')
    const { status, selection, steps } = value
    const isDone = (name: string) => steps.some((row) => row.step === name && row.status === 'done')
    const force = (selection.force ?? []).filter((step) => !isDone(step))
    return { run: name, status, selection: { ...selection, force } }
  } catch (error) {
    throw noRunToResume(folder, `${file} cannot be read (${messageOf(error)})`)
  }
}

const isRunRecord = (value: unknown): value is RunRecord =>
  isRecord(value) &&
  typeof value['status'] === 'string' &&
  isRecord(value['selection']) &&
  Array.isArray(value['steps'])
