/** How a server in the foreground ends: by a signal, or because its start was strict and a model did not load. */
import type { Config } from '../config/config.js'
import { MarinaError, messageOf } from '../errors.js'
import type { RunningServer } from '../server.js'
import type { awaitSignal } from './await-signal.js'

/**
 * Resolves with the signal. Under `strict` the first worker of the start that fails stops the server.
 * @throws MarinaError with the cause of that failure, once the server has stopped
 */
export async function untilStopped(
  server: RunningServer,
  { config, stopping }: { config: Config; stopping: ReturnType<typeof awaitSignal> },
): Promise<NodeJS.Signals> {
  if (!config.strict) return stopping.first
  try {
    return await Promise.race([stopping.first, server.allReady.then(() => stopping.first)])
  } catch (error) {
    await server.stop()
    throw failedStart(error)
  }
}

/** The torchserve profile keeps the cause out of the message, since clients get that. */
function failedStart(error: unknown): unknown {
  if (!(error instanceof MarinaError) || error.cause === undefined) return error
  const why = messageOf(error.cause)
  const text = error.message.includes(why) ? error.message : `${error.message}. ${why}`
  return new MarinaError(error.code, `The start is strict. ${text}`, { cause: error.cause })
}
