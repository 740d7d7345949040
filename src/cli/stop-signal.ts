/** Ctrl-C and SIGTERM as an AbortSignal: the first asks for an orderly end, the second ends the process at once. */
import { MarinaError } from '../errors.js'
import { EXIT } from './exit.js'

/** A signal, and the end of listening for it. */
export interface StopSignal {
  readonly signal: AbortSignal
  release(): void
}

/** Listens until `release` is called. The signal's reason is an error; `consequence` is its second
 * sentence. */
export function stopSignal(consequence = 'What is done is kept; run it again to go on.'): StopSignal {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(EXIT.failed)
    controller.abort(new MarinaError('stopped', `Stopped by ${name}. ${consequence}`))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
