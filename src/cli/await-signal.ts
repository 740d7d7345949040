/** How a command that serves is told to end. */
import { EXIT } from './exit.js'

/** The first SIGTERM or SIGINT begins a stop that waits for running work; the second one ends the process at once. */
export function awaitSignal(): { readonly first: Promise<NodeJS.Signals>; hasBegun(): boolean } {
  let begun = false
  const first = new Promise<NodeJS.Signals>((resolve) => {
    const onSignal = (name: NodeJS.Signals) => {
      if (begun) process.exit(EXIT.failed)
      begun = true
      resolve(name)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    // A server that another program started over IPC ends with it.
    process.once('disconnect', () => onSignal('SIGTERM'))
    // Listening to it keeps the process alive; a server that has stopped must end.
    process.channel?.unref()
  })
  return { first, hasBegun: () => begun }
}
