/**
 * Runs a pipeline, step after step:
 *
 *     key = code + parameters + contents of the inputs → is it in the cache? skip : run in a process of its own, keep
 *
 * so that an unchanged step is never run twice, a run that failed or was stopped goes on where it was, and a step whose
 * inputs came out the same as before need not run again although what made them did.
 */
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { messageOf } from '../errors.js'
import { openCache, type Cache, type Done } from './cache.js'
import { missingNeed } from './errors.js'
import type { Observer, RunStatus } from './events.js'
import { needsOf, type LoadedPipeline, type LoadedStep } from './load.js'
import { takeLock } from './lock.js'
import { startRecord, type Recorder, type RunRecord, type StepRecord } from './record.js'
import { chooseSteps, inspectPipeline, stateOf, type Selection, type StepState } from './state.js'
import { runStepProcess } from './step-process.js'

/** What is run, and how. */
export interface RunOptions extends Selection {
  readonly signal?: AbortSignal
  readonly observer?: Observer
  /** Path of the program that runs a step; default: the package's own. */
  readonly stepMain?: string
}

/**
 * Runs a pipeline to its end.
 * @throws MarinaError `step-failed` or what the failed step threw; `conflict` while another run works there; `misuse` for a
 * profile, step or parameter that is not there. The signal's reason when it was stopped.
 */
export async function runPipeline(pipeline: LoadedPipeline, options: RunOptions = {}): Promise<RunRecord> {
  const { observer = () => undefined, signal = new AbortController().signal } = options
  const chosen = chooseSteps(pipeline, options)
  const release = await takeLock(pipeline.folder)
  try {
    return await runChosen(pipeline, chosen, { options, observer, signal })
  } finally {
    await release()
  }
}

async function runChosen(
  pipeline: LoadedPipeline,
  chosen: readonly LoadedStep[],
  { options, observer, signal }: Pick<RunParts, 'options' | 'observer' | 'signal'>,
): Promise<RunRecord> {
  const startedMs = performance.now()
  const { signal: _signal, observer: _observer, stepMain: _stepMain, ...selection } = options
  const recorder = await startRecord(pipeline.folder, { pipeline: pipeline.name, selection })
  const finish = async (status: RunStatus) => {
    const record = await recorder.finish(status, (performance.now() - startedMs) / 1000)
    observer({ kind: 'run-finished', status, seconds: record.seconds })
    return record
  }
  try {
    const cache = openCache(join(pipeline.folder, '.cache'))
    await cache.sweep()
    observer({ kind: 'run-started', run: recorder.record.run, steps: chosen.map(({ name }) => name) })
    const run = new Run(pipeline, { options, cache, recorder, observer, signal })
    for (const step of chosen) await run.advance(step)
    return await finish('done')
  } catch (error) {
    await finish(signal.aborted ? 'stopped' : 'failed')
    throw error
  }
}

/**
 * Removes all outputs but those that the pipeline as it stands would use, by itself or in one of its profiles, and what an
 * interrupted step of these left for its next try; returns how many steps' outputs went.
 * @throws MarinaError `conflict` while a run works there
 */
export async function cleanCache(pipeline: LoadedPipeline, options: { all?: boolean } = {}): Promise<number> {
  const release = await takeLock(pipeline.folder)
  try {
    const keys = new Set<string>()
    for (const profile of options.all ? [] : [undefined, ...Object.keys(pipeline.profiles)])
      for (const { state } of await inspectPipeline(pipeline, { profile })) if (state) keys.add(state.key)
    return await openCache(join(pipeline.folder, '.cache')).keepOnly(keys)
  } finally {
    await release()
  }
}

interface RunParts {
  readonly options: RunOptions
  readonly cache: Cache
  readonly recorder: Recorder
  readonly observer: Observer
  readonly signal: AbortSignal
}

/** A run on its way: the states of the steps that it has passed. */
class Run {
  readonly #pipeline: LoadedPipeline
  readonly #parts: RunParts
  readonly #known = new Map<string, StepState>()

  constructor(pipeline: LoadedPipeline, parts: RunParts) {
    this.#pipeline = pipeline
    this.#parts = parts
  }

  /** Skips or runs one step. */
  async advance(step: LoadedStep): Promise<void> {
    const { cache, recorder, observer, signal } = this.#parts
    signal.throwIfAborted()
    await this.#requireNeeds(step)
    const state = await stateOf(step, { ...this.#parts, pipeline: this.#pipeline, known: this.#known })
    const base = this.#baseRecord(state)
    if (state.why === undefined && state.done) {
      const { report } = state.done
      observer({ kind: 'step-skipped', step: step.name, report })
      await recorder.add({ ...base, status: 'skipped', seconds: 0, report })
      this.#known.set(step.name, state)
      return
    }
    const why = state.why ?? ''
    observer({ kind: 'step-started', step: step.name, why })
    const startedMs = performance.now()
    const seconds = () => (performance.now() - startedMs) / 1000
    try {
      const { done, peakMemoryBytes } = await this.#run(state, seconds)
      this.#known.set(step.name, { ...state, done })
      const { report } = done
      await recorder.add({
        ...base,
        status: 'done',
        why,
        seconds: done.seconds,
        report,
        ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
      })
      observer({ kind: 'step-done', step: step.name, seconds: done.seconds, report })
    } catch (error) {
      await cache.abandon(state.key)
      const status = signal.aborted ? 'stopped' : 'failed'
      await recorder.add({ ...base, status, why, seconds: seconds(), report: {}, error: messageOf(error) })
      if (status === 'failed') {
        const log = recorder.logOf(step.name)
        observer({ kind: 'step-failed', step: step.name, message: messageOf(error), log })
      }
      throw error
    }
  }

  /** With `only`, the steps before were passed over; they must be up to date then. */
  async #requireNeeds(step: LoadedStep): Promise<void> {
    for (const need of needsOf(step)) {
      if (this.#known.has(need)) continue
      const before = this.#pipeline.steps.find(({ name }) => name === need)
      if (!before) continue
      await this.#requireNeeds(before)
      const state = await stateOf(before, {
        ...this.#parts,
        options: { ...this.#parts.options, force: [] },
        pipeline: this.#pipeline,
        known: this.#known,
      })
      if (!state.done) throw missingNeed(step.name, need)
      this.#known.set(need, state)
    }
  }

  async #run(
    state: StepState,
    seconds: () => number,
  ): Promise<{ done: Done; peakMemoryBytes: number | undefined }> {
    const { cache, recorder, observer, signal, options } = this.#parts
    const { step, key, params, inputs } = state
    const { folder, scratch } = await cache.begin(key)
    const outputs = Object.fromEntries(step.outputs.map((output) => [output, join(folder, output)]))
    const call = {
      step: step.name,
      runs: step.runs,
      folder: this.#pipeline.folder,
      inputs: this.#pathsOf(step),
      outputs,
      params,
      scratch,
    }
    const { report, peakMemoryBytes } = await runStepProcess(call, {
      signal,
      stepMain: options.stepMain ?? createRequire(import.meta.url).resolve('#pipeline-step'),
      news: {
        onProgress: (progress) => observer({ kind: 'step-progress', step: step.name, progress }),
        onLog: (text) => {
          recorder.log(step.name, text)
          observer({ kind: 'step-log', step: step.name, text })
        },
      },
    })
    const done = await cache.commit(key, {
      name: step.name,
      outputs: step.outputs,
      report,
      seconds: seconds(),
    })
    await cache.noteLast(step.name, { key, code: step.code, params, inputs })
    return { done, peakMemoryBytes }
  }

  #pathsOf(step: LoadedStep): Record<string, string> {
    const paths = Object.entries(step.inputs).map(([input, source]) => {
      if (source.kind === 'file') return [input, resolve(this.#pipeline.folder, source.path)]
      return [input, this.#parts.cache.pathOf(this.#known.get(source.step)?.key ?? '', source.output)]
    })
    return Object.fromEntries(paths) as Record<string, string>
  }

  #baseRecord({
    step,
    key,
    params,
    inputs,
  }: StepState): Pick<StepRecord, 'step' | 'key' | 'params' | 'inputs' | 'outputs'> {
    const outputs = Object.fromEntries(
      step.outputs.map((output) => [output, this.#parts.cache.pathOf(key, output)]),
    )
    return { step: step.name, key, params, inputs, outputs }
  }
}
