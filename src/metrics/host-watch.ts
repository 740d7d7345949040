/** Measures the host at the start and then from time to time. */
import type { Clock } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { HostValue } from './host.js'
import type { Metrics } from './metrics.js'

/** What a watch needs. */
export interface HostWatchOptions {
  /** The signal comes when the watch has ended. */
  readonly measure: (signal: AbortSignal) => Promise<readonly HostValue[]>
  readonly everyMs: number
  readonly metrics: Pick<Metrics, 'addOfHost'>
  readonly clock: Clock
  readonly log: Logger
}

/** Begins to measure; the function that is returned ends it, and the measurement that is being made. A measurement that fails is logged, and the next one is made all the same. */
export function watchHost({ measure, everyMs, metrics, clock, log }: HostWatchOptions): () => void {
  const end = new AbortController()
  const { signal } = end
  let cancel: () => void = () => undefined
  const run = async () => {
    try {
      const values = await measure(signal)
      if (!signal.aborted)
        for (const { name, value, labels } of values) metrics.addOfHost(name, value, labels)
    } catch (error) {
      if (!signal.aborted) log.error(`The host could not be measured: ${messageOf(error)}`)
    }
    if (!signal.aborted) cancel = clock.wakeIn(everyMs, () => void run())
  }
  void run()
  return () => {
    end.abort()
    cancel()
  }
}
