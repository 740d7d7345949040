/** Learning rates over the steps of a run. */

/** The learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number

/** The same rate in every step. */
export const constant =
  (rate: number): Schedule =>
  () =>
    rate

/** Options of {@link warmupCosine}. */
export interface WarmupCosineOptions {
  /** The highest rate, reached at the end of the warm-up. */
  readonly peak: number
  /** Steps of the whole run. */
  readonly steps: number
  /** Steps in which the rate rises in a line; default 0. */
  readonly warmup?: number
  /** The rate at the end; default 0. */
  readonly floor?: number
}

/** A linear rise, then half a cosine down (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts). */
export function warmupCosine({ peak, steps, warmup = 0, floor = 0 }: WarmupCosineOptions): Schedule {
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress))) / 2
  }
}
