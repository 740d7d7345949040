/** HTTP as bytes on a socket, for tests of what clients libraries hide. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One connection. `received` grows until `closed` resolves. */
export interface RawConnection {
  readonly socket: Socket
  send(bytes: string | Uint8Array): void
  received(): string
  /** Resolves when what has been received matches. */
  until(pattern: RegExp): Promise<string>
  /** Resolves when something has been received with which this holds. */
  untilTrue(holds: () => boolean): Promise<void>
  /** Resolves with all that was received, when the server has closed. */
  readonly closed: Promise<string>
}

/** Connects to a local port. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port })
  let text = ''
  const waiting = new Set<() => void>()
  socket.setEncoding('latin1')
  socket.on('data', (piece: string) => {
    text += piece
    waiting.forEach((look) => look())
  })
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  await once(socket, 'connect')
  const untilTrue = (holds: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!holds()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      void closed.then(() => reject(new Error(`closed too early, after:\n${text.slice(-2000)}`)))
      look()
    })
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => text,
    untilTrue,
    until: async (pattern) => {
      await untilTrue(() => pattern.test(text))
      return text
    },
    closed,
  }
}

/** Sends bytes, and resolves with all that comes until the server closes the connection. */
export async function rawExchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const connection = await rawConnection(port)
  connection.send(bytes)
  return connection.closed
}
