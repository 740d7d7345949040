/** What a run and the process of one of its steps say to each other, over Node's IPC channel. */
import type { Params, Progress } from './step.js'

/** How a step is run: the bundle of its file, or the words of a command. */
export type StepProgram = { readonly bundle: string } | { readonly words: readonly string[] }

/** To the step's process, once. */
export interface RunMessage {
  readonly runs: StepProgram
  readonly folder: string
  readonly inputs: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
  readonly params: Params
  readonly scratch: string
}

/** The last word of a step's process. */
export type StepEnd =
  /** `peakMemoryBytes`: the most that the process had resident. */
  | { readonly kind: 'done'; readonly peakMemoryBytes: number }
  | { readonly kind: 'failed'; readonly error: ThrownError }
  /** '' for exit code 0, else how the command ended. */
  | { readonly kind: 'command-ended'; readonly how: string }

/** From the step's process. */
export type StepMessage =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'report'; readonly figures: Params }
  | StepEnd

/** What a step threw, as far as it can leave its process. */
export interface ThrownError {
  readonly message: string
  /** The code of a MarinaError; such an error's text says enough, any other is shown with its stack. */
  readonly code?: string
  readonly stack?: string
}
