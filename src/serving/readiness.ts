/** Whether versions can answer, and why not: what probes tell, as pure functions of what describe tells. */
import type { VersionDescription, WorkerDescription } from './catalog.js'

/** Whether a version can answer now; `why` completes "it is not ready: …". */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'idle' | 'loading' | 'failing' | 'given-up'; readonly why: string }

/** Whether the words of a worker's failure may be told. */
export interface ReadinessOptions {
  /** The failure itself, which may quote a handler and its paths; else only where it is to be found. */
  readonly verbose: boolean
}

/** True when nobody may hope for a worker: it has ended, or failed to start for longer than the recovery window. */
export const isHopeless = ({ state, isGivenUp }: WorkerDescription): boolean =>
  state === 'stopped' || isGivenUp

/** One ready worker is enough to answer. */
export function readinessOf(version: VersionDescription, options: ReadinessOptions): Readiness {
  const { workers } = version
  if (workers.some(({ status }) => status === 'READY')) return { kind: 'ready' }
  const [first] = workers
  if (!first) return { kind: 'idle', why: 'it has no workers; PUT /models/MODEL?min_worker=1 starts one' }
  const failing = workers.find(({ failingSince }) => failingSince !== undefined)
  if (!failing) {
    const why = version.hasServed ? 'its worker ended and starts again' : 'its worker is loading'
    return { kind: 'loading', why }
  }
  const kind = workers.every(isHopeless) ? 'given-up' : 'failing'
  return { kind, why: whyFailing(failing, options) }
}

function whyFailing({ failingSince, lastFailure }: WorkerDescription, { verbose }: ReadinessOptions): string {
  const since = `its worker has failed to start since ${failingSince ?? ''}`
  return verbose && lastFailure
    ? `${since}: ${lastFailure.message}`
    : `${since}; the log and GET /models/MODEL of the management port say why`
}

/** True once a worker has been ready, none is wanted, or there is no hope left. */
export function hasStarted(version: VersionDescription): boolean {
  if (version.hasServed || version.minWorkers === 0) return true
  return version.workers.every(isHopeless)
}
