/** Requests and answers without sockets: sends a request object to a port's routes and looks at the answer. */
import { randomUUID } from 'node:crypto'
import { manualClock } from '../../src/clock.js'
import type { Config } from '../../src/config/config.js'
import { loadConfig } from '../../src/config/load.js'
import { errorResponse } from '../../src/http/errors.js'
import type { HttpRequest, ResponseStream } from '../../src/http/message.js'
import { portHandler, portRoutes, type PortDeps } from '../../src/http/ports.js'
import type { PortRole, routePort } from '../../src/http/routes.js'
import { memoryLogger, type LogRecord } from '../../src/log.js'
import { createMetrics } from '../../src/metrics/metrics.js'
import type { MemoryServing } from './memory-serving.js'

/** An answer as a client would see it. */
export interface Reply {
  readonly status: number
  readonly reason: string | undefined
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly text: string
  /** The parsed body. */
  readonly json: unknown
  /** Pieces of a streamed answer. */
  readonly chunks: readonly string[]
  readonly kind: 'whole' | 'streamed' | 'broken'
}

/** What a test sends; `headers` are name, value, name, value. */
export interface Ask {
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

/** A server without sockets. */
export interface MemoryHttp {
  readonly logs: LogRecord[]
  send(role: PortRole | readonly PortRole[], request: string, ask?: Ask): Promise<Reply>
}

/** Makes a server over `serving`; `config` overrides the defaults of `marina serve`. */
export function memoryHttp(
  serving: MemoryServing,
  config: Partial<Config> = {},
  life: PortDeps['life'] = { declared: [], isStopping: () => false },
): MemoryHttp {
  const logs: LogRecord[] = []
  const log = memoryLogger(logs)
  const defaults = loadConfig({
    profile: config.profile ?? 'marina',
    flags: new Map(),
    environment: {},
    models: [],
  })
  const deps: PortDeps = {
    config: { ...defaults, ...config },
    catalog: serving.catalog,
    infer: serving.infer,
    metrics: createMetrics(),
    life,
    clock: manualClock(),
    log,
    serverVersion: '0.1.0',
  }
  const routes = portRoutes(deps)
  return {
    logs,
    async send(role, request, ask = {}) {
      const handle = portHandler([role].flat(), { ...deps, routes })
      const [method = '', target = ''] = request.split(' ')
      const message = requestOf(method, target, ask)
      const stream = collector()
      try {
        return replyOf(await handle(message, stream), stream)
      } catch (error) {
        return replyOf(errorResponse(error, { log, id: message.id }), stream)
      }
    },
  }
}

function requestOf(method: string, target: string, { headers = [], body = '', signal }: Ask): HttpRequest {
  return {
    id: randomUUID(),
    method,
    target,
    rawHeaders: headers,
    receivedMs: 0,
    signal: signal ?? new AbortController().signal,
    body: () => Promise.resolve(Buffer.from(body)),
  }
}

interface Collector extends ResponseStream {
  readonly heads: { status: number; headers: readonly string[] }[]
  readonly chunks: string[]
}

function collector(): Collector {
  const heads: Collector['heads'] = []
  const chunks: string[] = []
  return {
    heads,
    chunks,
    open: (head) => void heads.push(head),
    write: (data) => {
      chunks.push(Buffer.from(data).toString())
      return undefined
    },
  }
}

function replyOf(
  response: Awaited<ReturnType<ReturnType<typeof routePort>>>,
  { heads, chunks }: Collector,
): Reply {
  const whole = response.kind === 'whole' ? response : undefined
  const body = Buffer.from(whole?.body ?? chunks.join(''))
  const list = whole?.headers ?? heads[0]?.headers ?? []
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < list.length; i += 2) headers.set(list[i]!.toLowerCase(), list[i + 1]!)
  return {
    kind: response.kind,
    status: whole?.status ?? heads[0]?.status ?? 0,
    reason: whole?.reason,
    headers,
    body,
    text: body.toString(),
    get json() {
      return JSON.parse(body.toString()) as unknown
    },
    chunks,
  }
}
