/** One connection that sends request after request and never tries one again: what is lost stays lost, and is seen. */
import { rawConnection, type RawConnection } from './raw-http.js'

/** An answer with a length. */
export interface Answer {
  readonly status: number
  readonly body: string
  /** The server closes the connection after it. */
  readonly closes: boolean
}

/** A client with one connection. */
export class KeepAliveClient {
  readonly #connection: RawConnection
  #read = 0

  private constructor(connection: RawConnection) {
    this.#connection = connection
  }

  static async connect(port: number): Promise<KeepAliveClient> {
    return new KeepAliveClient(await rawConnection(port))
  }

  /** Sends a request; rejects when the connection ends without its whole answer. */
  async post(path: string, body: string): Promise<Answer> {
    this.#connection.send(
      `POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    return this.answer()
  }

  /** Sends bytes as they are. */
  send(bytes: string): void {
    this.#connection.send(bytes)
  }

  /** The next answer. */
  async answer(): Promise<Answer> {
    await this.#connection.untilTrue(() => this.#rest().includes('\r\n\r\n'))
    const headLength = this.#rest().indexOf('\r\n\r\n') + 4
    const head = this.#rest().slice(0, headLength)
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? NaN)
    await this.#connection.untilTrue(() => this.#rest().length >= headLength + length)
    const body = this.#rest().slice(headLength, headLength + length)
    this.#read += headLength + length
    return { status: Number(head.slice(9, 12)), body, closes: /^connection: close\r$/im.test(head) }
  }

  #rest(): string {
    return this.#connection.received().slice(this.#read)
  }

  close(): void {
    this.#connection.socket.destroy()
  }
}
