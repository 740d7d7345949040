/** What a step is: named files in, named files out, parameters, and a function. One file exports one step as its default. */

/** Anything that JSON can say: parameters and reports. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Parameters by name. */
export type Params = Readonly<Record<string, Json>>

/** How far a step has come; `total` is in the same unit as `done`. */
export interface Progress {
  readonly done: number
  readonly total: number
  /** What is being done, in a few words. */
  readonly text?: string
}

/** What a running step is given. Paths are absolute. */
export interface StepContext<In extends string, Out extends string, P extends Params> {
  readonly inputs: Readonly<Record<In, string>>
  /** Where each output must be when the step returns, as a file or a folder; its own folder exists already. */
  readonly outputs: Readonly<Record<Out, string>>
  readonly params: P
  /** The project's folder, which is also the working folder of the process. */
  readonly folder: string
  /** A folder that outlives an interruption of this very step: same code, inputs and parameters. Removed when it is done. */
  readonly scratch: string
  /** Aborted by Ctrl-C; the step should leave within five seconds. */
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
  readonly log: (text: string) => void
  /** Figures that the run shows and keeps; called again, it adds to them. */
  readonly report: (figures: Params) => void
}

/** A step; made by {@link defineStep}. */
export interface Step<In extends string = string, Out extends string = string, P extends Params = Params> {
  readonly inputs: readonly In[]
  readonly outputs: readonly Out[]
  /** Defaults; a pipeline may give others of the same names. */
  readonly params: P
  /** A step that changes or asks the world outside its files, and so runs in every run. Default false. */
  readonly effect: boolean
  // A method, so that a step of known names is a Step of any.
  run(context: StepContext<In, Out, P>): Promise<void> | void
}

/** Numbers and texts as such, not as the literals of the defaults. */
type Widened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends readonly (infer E)[]
        ? readonly Widened<E>[]
        : { readonly [K in keyof T]: Widened<T[K]> }

/** Defines a step: `export default defineStep({ inputs: ['dataset'], outputs: ['model'], params: { epochs: 2 }, run })`. */
export function defineStep<
  const In extends string = never,
  const Out extends string = never,
  P extends Params = Params,
>(step: {
  readonly inputs?: readonly In[]
  readonly outputs?: readonly Out[]
  readonly params?: P
  readonly effect?: boolean
  readonly run: (context: StepContext<In, Out, Widened<P>>) => Promise<void> | void
}): Step<In, Out, Widened<P>> {
  return {
    inputs: step.inputs ?? [],
    outputs: step.outputs ?? [],
    params: (step.params ?? {}) as Widened<P>,
    effect: step.effect ?? false,
    run: (context) => step.run(context),
  }
}
