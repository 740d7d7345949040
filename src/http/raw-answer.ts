/** Answers on a socket on which no HTTP could be read, and so no exchange could begin. */
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { HeaderList, WholeResponse } from './message.js'
import { reasonOf } from './reason.js'
import { COMMON_HEADERS } from './responses.js'

/** Writes the answer, closes that side of the connection, and calls `sent` when it is out. */
export function answerRaw(
  socket: Duplex,
  { answer, cors, sent }: { answer: WholeResponse; cors: HeaderList; sent: () => void },
): void {
  const { status, headers, body } = answer
  const bytes = Buffer.from(body)
  const list = ['x-request-id', randomUUID(), ...cors, ...COMMON_HEADERS, ...headers]
  list.push('content-length', String(bytes.length), 'connection', 'close')
  const lines = list.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${list[i + 1] ?? ''}\r\n`] : []))
  socket.write(`HTTP/1.1 ${status} ${reasonOf(status)}\r\n${lines.join('')}\r\n`, 'latin1')
  socket.end(bytes, sent)
}
