/** What a pipeline is: steps by name, where each finds its inputs, and profiles of parameters. */
import type { Params } from './step.js'

/** Where an input comes from. */
export type InputSource =
  | { readonly kind: 'output'; readonly step: string; readonly output: string }
  /** Relative to the pipeline's folder; it may be absent. */
  | { readonly kind: 'file'; readonly path: string }

/** A step's place in a pipeline. */
export type PlacedStep = {
  readonly inputs: Readonly<Record<string, InputSource>>
  /** Steps that must be done before, although nothing of theirs is read. */
  readonly after: readonly string[]
  readonly params: Params
} & (
  | { readonly kind: 'file'; readonly file: string }
  | {
      readonly kind: 'command'
      readonly words: readonly string[]
      readonly outputs: readonly string[]
      readonly effect: boolean
      /** Files whose contents are the step's code. */
      readonly code: readonly string[]
    }
)

/** A pipeline; made by {@link definePipeline}. */
export interface Pipeline {
  readonly name: string
  readonly steps: Readonly<Record<string, PlacedStep>>
  /** Parameters by profile and step. */
  readonly profiles: Readonly<Record<string, Readonly<Record<string, Params>>>>
}

/** Options that every kind of step takes. */
export interface PlaceOptions {
  readonly inputs?: Readonly<Record<string, InputSource>>
  readonly after?: readonly string[]
  readonly params?: Params
}

/** Options of {@link command}. */
export interface CommandOptions extends PlaceOptions {
  readonly outputs?: readonly string[]
  readonly effect?: boolean
  /** Files, relative to the pipeline's folder, whose change makes the step run again: the script that is called. */
  readonly code?: readonly string[]
}

/** The output `output` of the step `step`. */
export const from = (step: string, output: string): InputSource => ({ kind: 'output', step, output })

/** A file or folder of the project; a step is given its path even where it does not exist. */
export const file = (path: string): InputSource => ({ kind: 'file', path })

/** A step in TypeScript: a file, relative to the pipeline's, whose default export is made by `defineStep`. */
export const step = (path: string, options: PlaceOptions = {}): PlacedStep => ({
  kind: 'file',
  file: path,
  inputs: options.inputs ?? {},
  after: options.after ?? [],
  params: options.params ?? {},
})

/**
 * A step that is any command. `{inputs.name}`, `{outputs.name}`, `{params.name}` and `{scratch}` in a word are replaced;
 * it is run without a shell, in the pipeline's folder, and has failed when its exit code is not 0.
 */
export const command = (words: readonly string[], options: CommandOptions = {}): PlacedStep => ({
  kind: 'command',
  words,
  outputs: options.outputs ?? [],
  effect: options.effect ?? false,
  code: options.code ?? [],
  inputs: options.inputs ?? {},
  after: options.after ?? [],
  params: options.params ?? {},
})

/** Defines a pipeline: the default export of a project's `pipeline.ts`. */
export const definePipeline = (pipeline: {
  readonly name: string
  readonly steps: Readonly<Record<string, PlacedStep>>
  readonly profiles?: Pipeline['profiles']
}): Pipeline => ({ ...pipeline, profiles: pipeline.profiles ?? {} })
