/** The worker's way to the server, as the runner and the step loop see it. */
import { messageOf } from '../errors.js'
import type { UpMessage } from '../protocol/messages.js'
import { invalidOutput } from './outcome.js'

/** How jobs' answers leave the worker. */
export interface Uplink {
  /** Throws `worker-failed` for a message that is larger than a frame may be; nothing of it is sent then. */
  send(message: UpMessage): void
  /** Writes at once what was sent: before the handler may block the event loop. */
  flush(): void
  /** Resolves when the buffer towards the server has room. */
  roomy(): Promise<void>
}

/** Sends the end of a job; an answer that no frame can hold ends it as invalid, since end it must. */
export function sendResult(
  uplink: Uplink,
  result: Omit<Extract<UpMessage, { kind: 'result' }>, 'kind'>,
): void {
  try {
    uplink.send({ kind: 'result', ...result })
  } catch (error) {
    const outcome = invalidOutput(`The handler's answer cannot be sent: ${messageOf(error)}`)
    uplink.send({ kind: 'result', ...result, outcome })
  }
}
