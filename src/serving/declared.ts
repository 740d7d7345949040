/** What became of the models that a start names: its command line, its settings, or the snapshot that it resumed. */

import { MarinaError } from '../errors.js'

/** A model of the start. */
export type Declared =
  | {
      readonly kind: 'registered'
      readonly model: string
      readonly version: string
      /** Settles with its first workers, as that of a registration does. */
      readonly ready: Promise<void>
    }
  | {
      /** The server runs without it. */
      readonly kind: 'left-out'
      /** Its name, or the source that was to be loaded where no name was given. */
      readonly model: string
      /** In a sentence. */
      readonly why: string
    }

/** The results of the first workers, in the order of the models. */
export const firstWorkers = (declared: readonly Declared[]): Promise<PromiseSettledResult<void>[]> =>
  Promise.allSettled(declared.flatMap((one) => (one.kind === 'registered' ? [one.ready] : [])))

/** The first worker that fails is enough to reject. */
export function allReady(declared: readonly Declared[]): Promise<void> {
  const all = Promise.all(declared.flatMap((one) => (one.kind === 'registered' ? [one.ready] : [])))
  const settled = all.then(() => undefined)
  settled.catch(() => undefined) // who does not wait for it reads the log and describe
  return settled
}

/** Throws for the first model that the server would run without. @throws MarinaError `worker-failed` */
export function requireAll(declared: readonly Declared[]): void {
  for (const one of declared)
    if (one.kind === 'left-out')
      throw new MarinaError('worker-failed', `The model ${one.model} cannot be loaded: ${one.why}`)
}
