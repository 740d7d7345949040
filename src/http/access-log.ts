/** The access log: a line for each answer, in TorchServe's form (contract server-config §13.2). */
import type { IncomingMessage } from 'node:http'
import type { Logger } from '../log.js'

/** Logs one answer whose head is being sent; `ms` since its request was received. */
export type AccessLog = (
  request: Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'socket'>,
  answer: { readonly status: number; readonly ms: number; readonly id: string },
) => void

/** `/127.0.0.1:53514 "GET /ping HTTP/1.1" 200 0`; where records have fields, the parts stand in fields too. */
export function accessLog(log: Logger): AccessLog {
  const lines = log.child({ logger: 'ACCESS_LOG' })
  return ({ method, url, httpVersion, socket }, { status, ms, id }) => {
    const client = clientOf(socket)
    const whole = Math.trunc(ms)
    lines.info(`/${client} "${method} ${url} HTTP/${httpVersion}" ${status} ${whole}`, {
      client,
      method,
      target: url,
      status,
      ms: whole,
      id,
    })
  }
}

function clientOf({ remoteAddress = '', remotePort = 0 }: IncomingMessage['socket']): string {
  // What a port for both families says of an IPv4 client.
  const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
  return `${address.includes(':') ? `[${address}]` : address}:${remotePort}`
}
