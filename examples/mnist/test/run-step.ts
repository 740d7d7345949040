/** Runs one step as the pipeline does, but in the test's own process, on folders of the test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Params, Step } from 'marina/pipeline'

/** The example's folder. */
export const example = join(import.meta.dirname, '..')

/** What a step came to. */
export interface StepResult {
  /** Paths by output. */
  readonly outputs: Readonly<Record<string, string>>
  readonly report: Params
  readonly log: readonly string[]
}

/** A folder in which steps leave their outputs. */
export interface Bench {
  readonly folder: string
  /** @throws what the step throws; `log` is given to it all the same */
  run(
    step: Step,
    options?: { inputs?: Readonly<Record<string, string>>; params?: Params; log?: string[] },
  ): Promise<StepResult>
  remove(): Promise<void>
}

/** Makes a bench in a temporary folder. */
export async function createBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'marina-mnist-'))
  return {
    folder,
    async run(step, { inputs = {}, params = {}, log = [] } = {}) {
      const place = await mkdtemp(join(folder, 'step-'))
      const outputs = Object.fromEntries(step.outputs.map((output) => [output, join(place, output)]))
      let report: Params = {}
      await step.run({
        inputs: {
          ...Object.fromEntries(step.inputs.map((input) => [input, join(place, 'absent')])),
          ...inputs,
        },
        outputs,
        params: { ...step.params, ...params },
        folder: example,
        scratch: await mkdtemp(join(folder, 'scratch-')),
        signal: new AbortController().signal,
        progress: () => undefined,
        log: (text) => log.push(text),
        report: (figures) => {
          report = { ...report, ...figures }
        },
      })
      return { outputs, report, log }
    },
    remove: () => rm(folder, { recursive: true }),
  }
}

/** So few rows that a step takes no time. */
export const few = { rows: { train: 300, index: 100, validation: 60, test: 60 }, shardRows: 200 }
