/** From a project's `pipeline.ts` to steps that can run: bundled, checked against each other, in order. */
import { dirname, join, resolve } from 'node:path'
import { bundleCode, importDefault } from './code.js'
import { placeholdersOf } from './command.js'
import { badPipeline } from './errors.js'
import { ABSENT, fingerprint, hashJson } from './fingerprint.js'
import type { StepProgram } from './messages.js'
import type { InputSource, Pipeline, PlacedStep } from './pipeline.js'
import type { Params, Step } from './step.js'

/** A step with everything that is known before a run. */
export interface LoadedStep {
  readonly name: string
  readonly inputs: Readonly<Record<string, InputSource>>
  readonly after: readonly string[]
  readonly outputs: readonly string[]
  /** Defaults of the step with those of the pipeline over them. */
  readonly params: Params
  readonly effect: boolean
  /** Hash of the code. */
  readonly code: string
  readonly runs: StepProgram
}

/** A pipeline that can run. */
export interface LoadedPipeline {
  readonly name: string
  /** The project's folder: where the pipeline's file is. */
  readonly folder: string
  readonly file: string
  /** Each step after those that it needs. */
  readonly steps: readonly LoadedStep[]
  readonly profiles: Pipeline['profiles']
}

/** Names that can stand in a path and on a command line. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/
const NAME_RULE = 'a name begins with a letter, and goes on with letters, digits, - and _'

/**
 * Loads a pipeline's file; bundles go to `.cache/code` beside it.
 * @throws MarinaError `misuse` that names the file, the step and what is wrong with it
 */
export async function loadPipeline(file: string): Promise<LoadedPipeline> {
  const path = resolve(file)
  const folder = dirname(path)
  const codeFolder = join(folder, '.cache', 'code')
  const pipeline = parsePipeline(await importDefault((await bundleCode(path, codeFolder)).bundle), path)
  const placed = Object.entries(pipeline.steps)
  const steps = await Promise.all(
    placed.map(([name, step]) => loadStep(name, step, { file: path, folder, codeFolder })),
  )
  checkProfiles(pipeline, steps, path)
  return { name: pipeline.name, folder, file: path, steps: inOrder(steps, path), profiles: pipeline.profiles }
}

function parsePipeline(value: unknown, file: string): Pipeline {
  if (typeof value !== 'object' || value === null || !('steps' in value) || !('profiles' in value)) {
    throw badPipeline(file, 'has no pipeline; it needs: export default definePipeline({ name, steps })')
  }
  const pipeline = value as Pipeline
  for (const [name, placed] of Object.entries<unknown>(pipeline.steps)) {
    if (!NAME.test(name)) throw badPipeline(file, `a step is called '${name}'; ${NAME_RULE}`)
    if (typeof placed !== 'object' || placed === null || !('kind' in placed))
      throw badPipeline(file, `step '${name}' must be made by step('…') or command(['…'])`)
  }
  return pipeline
}

interface Place {
  readonly file: string
  readonly folder: string
  readonly codeFolder: string
}

async function loadStep(name: string, placed: PlacedStep, place: Place): Promise<LoadedStep> {
  const where = `${place.file}: step '${name}'`
  const { inputs, after } = placed
  if (placed.kind === 'command') {
    const { words, outputs, effect, params } = placed
    checkOutputs(outputs, where)
    checkPlaceholders(placed, where)
    const files = await Promise.all(placed.code.map((path) => hashOf(resolve(place.folder, path), where)))
    return { name, inputs, after, outputs, params, effect, code: hashJson([words, files]), runs: { words } }
  }
  const { hash, bundle } = await bundleCode(resolve(place.folder, placed.file), place.codeFolder)
  const step = parseStep(await importDefault(bundle), `${where} (${placed.file})`)
  checkNames({ given: Object.keys(inputs), known: step.inputs, what: 'input', where })
  checkNames({ given: Object.keys(placed.params), known: Object.keys(step.params), what: 'parameter', where })
  const missing = step.inputs.filter((input) => !inputs[input])
  if (missing.length > 0) throw badPipeline(where, `its input '${missing.join("', '")}' is not given`)
  const { outputs, effect } = step
  return {
    name,
    inputs,
    after,
    outputs,
    effect,
    params: { ...step.params, ...placed.params },
    code: hash,
    runs: { bundle },
  }
}

async function hashOf(path: string, where: string): Promise<string> {
  const found = await fingerprint(path)
  if (!found) throw badPipeline(where, `its code ${path} is not there`)
  return found.hash
}

/** The default export of a step's file. @throws MarinaError `misuse` for anything that defineStep did not make */
export function parseStep(value: unknown, where: string): Step {
  const isStep =
    typeof value === 'object' &&
    value !== null &&
    ['inputs', 'outputs', 'params', 'effect', 'run'].every((key) => key in value)
  if (!isStep) throw badPipeline(where, 'has no step; it needs: export default defineStep({ … })')
  const step = value as Step
  checkOutputs(step.outputs, where)
  return step
}

/** Outputs are files in a folder, beside the cache's own mark. */
function checkOutputs(outputs: readonly string[], where: string): void {
  const wrong = outputs.find((name) => !NAME.test(name))
  if (wrong !== undefined) throw badPipeline(where, `has an output '${wrong}'; ${NAME_RULE}`)
  const twice = outputs.find((name, at) => outputs.indexOf(name) !== at)
  if (twice !== undefined) throw badPipeline(where, `has the output '${twice}' twice`)
}

function checkPlaceholders(placed: Extract<PlacedStep, { kind: 'command' }>, where: string): void {
  const names = (prefix: string, of: readonly string[]) => of.map((name) => `${prefix}.${name}`)
  const known = [
    ...names('inputs', Object.keys(placed.inputs)),
    ...names('outputs', placed.outputs),
    ...names('params', Object.keys(placed.params)),
    'scratch',
  ]
  checkNames({ given: placeholdersOf(placed.words), known, what: 'placeholder', where })
}

function checkNames(names: {
  given: readonly string[]
  known: readonly string[]
  what: string
  where: string
}): void {
  const { given, known, what, where } = names
  const stray = given.find((name) => !known.includes(name))
  if (stray === undefined) return
  const there = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'
  throw badPipeline(where, `has no ${what} '${stray}'; ${there}`)
}

function checkProfiles(pipeline: Pipeline, steps: readonly LoadedStep[], file: string): void {
  for (const [profile, byStep] of Object.entries(pipeline.profiles))
    checkParams(byStep, steps, `${file}: profile '${profile}'`)
}

/** @throws MarinaError `misuse` for parameters of a step that is not there, or that the step does not have */
export function checkParams(
  byStep: Readonly<Record<string, Params>>,
  steps: readonly LoadedStep[],
  where: string,
): void {
  checkNames({ given: Object.keys(byStep), known: steps.map(({ name }) => name), what: 'step', where })
  for (const { name, params } of steps) {
    const given = Object.keys(byStep[name] ?? {})
    checkNames({ given, known: Object.keys(params), what: 'parameter', where: `${where}, step '${name}'` })
  }
}

/** Names of the steps that a step reads from or waits for. */
export function needsOf({ inputs, after }: Pick<LoadedStep, 'inputs' | 'after'>): string[] {
  const read = Object.values(inputs).flatMap((source) => (source.kind === 'output' ? [source.step] : []))
  return [...new Set([...read, ...after])]
}

/** Each step after those that it needs, else as they stand in the file. */
function inOrder(steps: readonly LoadedStep[], file: string): LoadedStep[] {
  const byName = new Map(steps.map((step) => [step.name, step]))
  const done: LoadedStep[] = []
  const visit = (step: LoadedStep, path: readonly string[]) => {
    if (done.includes(step)) return
    if (path.includes(step.name)) {
      throw badPipeline(file, `the steps ${[...path, step.name].join(' → ')} wait for each other`)
    }
    for (const need of needsOf(step)) {
      const needed = byName.get(need)
      const known = [...byName.keys()].join(', ')
      if (!needed)
        throw badPipeline(file, `step '${step.name}' needs '${need}', which is no step; there are ${known}`)
      visit(needed, [...path, step.name])
    }
    for (const [input, source] of Object.entries(step.inputs)) {
      const known = source.kind === 'output' ? (byName.get(source.step)?.outputs ?? []) : []
      if (source.kind === 'output' && !known.includes(source.output)) {
        const there = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'
        throw badPipeline(
          file,
          `step '${step.name}' reads '${input}' from '${source.step}', which has no output '${source.output}'; ${there}`,
        )
      }
    }
    done.push(step)
  }
  for (const step of steps) visit(step, [])
  return done
}

/** Content of a project file that a step reads. */
export async function hashFile(folder: string, path: string): Promise<string> {
  return (await fingerprint(resolve(folder, path)))?.hash ?? ABSENT
}
