/** What a run tells whoever watches it. */
import type { Params, Progress } from './step.js'

/** News of a run, in order. */
export type RunEvent =
  | { readonly kind: 'run-started'; readonly run: string; readonly steps: readonly string[] }
  | { readonly kind: 'step-skipped'; readonly step: string; readonly report: Params }
  | { readonly kind: 'step-started'; readonly step: string; readonly why: string }
  | { readonly kind: 'step-progress'; readonly step: string; readonly progress: Progress }
  | { readonly kind: 'step-log'; readonly step: string; readonly text: string }
  | { readonly kind: 'step-done'; readonly step: string; readonly seconds: number; readonly report: Params }
  /** `log` is the file that holds all that the step said. */
  | {
      readonly kind: 'step-failed'
      readonly step: string
      readonly message: string
      readonly log: string | undefined
    }
  | { readonly kind: 'run-finished'; readonly status: RunStatus; readonly seconds: number }

/** How a run ended. */
export type RunStatus = 'done' | 'failed' | 'stopped'

/** Watches a run. */
export type Observer = (event: RunEvent) => void
