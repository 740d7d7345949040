/** How a step stands before it runs: its key, whether the cache holds it, and if not, what has changed. */
import { join } from 'node:path'
import { misuse } from '../errors.js'
import { openCache, type Cache, type Done, type Last } from './cache.js'
import { hashJson } from './fingerprint.js'
import { checkParams, hashFile, needsOf, type LoadedPipeline, type LoadedStep } from './load.js'
import type { Params } from './step.js'

/** What of a pipeline is run. */
export interface Selection {
  /** Name of a profile of the pipeline. */
  readonly profile?: string | undefined
  /** Parameters by step, over all others. */
  readonly params?: Readonly<Record<string, Params>>
  /** Run these steps and what they need; default: all. */
  readonly steps?: readonly string[]
  /** Run exactly `steps`; what they need must be up to date. */
  readonly only?: boolean
  /** Run these steps although they are up to date. */
  readonly force?: readonly string[]
}

/** A step as it stands before a run. */
export interface StepState {
  readonly step: LoadedStep
  readonly params: Params
  readonly key: string
  /** Hashes by input. */
  readonly inputs: Readonly<Record<string, string>>
  /** What the cache holds. */
  readonly done: Done | undefined
  /** Why it would run; undefined where it would be skipped. */
  readonly why: string | undefined
}

/** Changes when what a key is made of does. */
const KEY_VERSION = 1

/** Says of each step whether it would run, and why, and runs none. A step behind one that would run has no key yet. */
export async function inspectPipeline(
  pipeline: LoadedPipeline,
  options: Selection = {},
): Promise<readonly { readonly name: string; readonly state: StepState | undefined }[]> {
  const cache = openCache(join(pipeline.folder, '.cache'))
  const known = new Map<string, StepState>()
  const states = []
  for (const step of chooseSteps(pipeline, options)) {
    const isReady = needsOf(step).every((need) => known.get(need)?.done)
    const state = isReady ? await stateOf(step, { pipeline, options, cache, known }) : undefined
    if (state) known.set(step.name, state)
    states.push({ name: step.name, state })
  }
  return states
}

/** The steps that a run is about, in order. @throws MarinaError `misuse` for a name that is not there */
export function chooseSteps(
  pipeline: LoadedPipeline,
  { profile, params = {}, steps: wanted, only = false, force = [] }: Selection,
): readonly LoadedStep[] {
  const { steps, file } = pipeline
  const names = steps.map(({ name }) => name)
  const stray = [...(wanted ?? []), ...force].find((name) => !names.includes(name))
  if (stray !== undefined) throw misuse(`${file} has no step '${stray}'; there are ${names.join(', ')}`)
  if (profile !== undefined && !pipeline.profiles[profile]) {
    const known = Object.keys(pipeline.profiles).join(', ') || 'none'
    throw misuse(`${file} has no profile '${profile}'; there are: ${known}`)
  }
  checkParams(params, steps, 'the given parameters')
  if (!wanted || wanted.length === 0) return steps
  const chosen = new Set(wanted)
  if (!only) {
    // From the end, so that what a needed step needs is met later on.
    for (const step of [...steps].reverse()) {
      if (chosen.has(step.name)) for (const need of needsOf(step)) chosen.add(need)
    }
  }
  return steps.filter(({ name }) => chosen.has(name))
}

/** What a step's state depends on. */
export interface StateSources {
  readonly pipeline: LoadedPipeline
  readonly options: Selection
  readonly cache: Cache
  /** Steps before this one. */
  readonly known: ReadonlyMap<string, StepState>
}

/** Works out a step's key from the steps before it. */
export async function stateOf(step: LoadedStep, sources: StateSources): Promise<StepState> {
  const { pipeline, options, cache, known } = sources
  const { name, code, outputs, effect } = step
  const fromProfile = options.profile === undefined ? {} : pipeline.profiles[options.profile]?.[name]
  const params = { ...step.params, ...fromProfile, ...options.params?.[name] }
  const inputs: Record<string, string> = {}
  for (const [input, source] of Object.entries(step.inputs)) {
    if (source.kind === 'file') inputs[input] = await hashFile(pipeline.folder, source.path)
    else inputs[input] = known.get(source.step)?.done?.outputs[source.output]?.hash ?? ''
  }
  const key = hashJson([KEY_VERSION, name, code, params, inputs]).slice(0, 32)
  const found = await cache.find(key, outputs)
  const state = { step, params, key, inputs, done: found.kind === 'whole' ? found.done : undefined }
  if (options.force?.includes(name)) return { ...state, why: 'asked for' }
  if (effect) return { ...state, why: 'always runs' }
  switch (found.kind) {
    case 'whole':
      return { ...state, why: undefined }
    case 'damaged':
      return { ...state, why: `${found.what} is not as it was` }
    case 'absent':
      return { ...state, why: whatChanged({ key, code, params, inputs }, await cache.last(name)) }
  }
}

/** In words: what makes a step another than when it was last done. */
function whatChanged(now: Last, last: Last | undefined): string {
  if (!last) return 'never ran'
  if (last.code !== now.code) return 'its code changed'
  const differing = (a: Params, b: Params) =>
    Object.keys(a).filter((name) => hashJson(a[name] ?? null) !== hashJson(b[name] ?? null))
  const params = differing(now.params, last.params)
  if (params.length > 0) return `${params.join(', ')} changed`
  const inputs = differing(now.inputs, last.inputs)
  return inputs.length > 0 ? `its input ${inputs.join(', ')} changed` : 'its outputs were removed'
}
