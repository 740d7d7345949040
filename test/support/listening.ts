/** A listener over a handler of the test, with what came to it and what it holds. */
import { systemClock } from '../../src/clock.js'
import { createByteBudget } from '../../src/http/body.js'
import { listen, type Listener, type ListenerDeps } from '../../src/http/listener.js'
import type { HttpHandler } from '../../src/http/message.js'
import { memoryLogger, type LogRecord } from '../../src/log.js'

/** What a test sees of it. */
export interface Listening {
  readonly port: number
  /** `METHOD target` of each request that a handler got, in their order. */
  readonly seen: string[]
  readonly statuses: number[]
  readonly logs: LogRecord[]
  /** Bytes of bodies that count towards the budget. */
  readonly heldBytes: () => number
  readonly listener: Listener
}

/** Answers with the body that came. */
export const echo: HttpHandler = async (request) => {
  const body = await request.body()
  return { kind: 'whole', status: 200, headers: [], body }
}

/** Listens on a free port of 127.0.0.1. */
export async function startListening(
  handle: HttpHandler = echo,
  { budgetBytes = 2 ** 24, ...more }: Partial<ListenerDeps> & { budgetBytes?: number } = {},
): Promise<Listening> {
  const [seen, statuses, logs]: [string[], number[], LogRecord[]] = [[], [], []]
  const inner = createByteBudget(budgetBytes)
  let held = 0
  const budget = {
    reserve: (bytes: number) => inner.reserve(bytes) && ((held += bytes), true),
    release: (bytes: number) => (inner.release(bytes), void (held -= bytes)),
  }
  const listener = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      handle: (request, stream) => (
        seen.push(`${request.method} ${request.target}`),
        handle(request, stream)
      ),
      clock: systemClock,
      log: memoryLogger(logs),
      budget,
      maxRequestBytes: 2 ** 20,
      cors: [],
      countStatus: (status) => void statuses.push(status),
      countHangUp: () => undefined,
      ...more,
    },
  )
  return { port: listener.address.port, seen, statuses, logs, heldBytes: () => held, listener }
}
