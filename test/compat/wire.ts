/** One exchange on a socket of its own, as bytes: what client libraries hide is part of the comparison. */
import { once } from 'node:events'
import { connect } from 'node:net'

/** What came back. Text is latin-1, one character a byte. */
export interface WireResponse {
  /** `HTTP/1.1 404 Not Found`, with the blank that stands before an empty reason. */
  readonly statusLine: string
  /** In order, in the server's spelling. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Sizes of the chunks of a chunked answer, without the last one. */
  readonly chunks?: readonly number[]
}

const TIMEOUT_MS = 120_000

/** Stands for the status line where nothing came in time, or the connection ended without an answer. */
export const NO_RESPONSE = 'no response'

/** Sends bytes and reads one response; ended by its length, its last chunk, or the end of the connection. */
export async function exchange(port: number, bytes: Uint8Array): Promise<WireResponse> {
  const socket = connect(port, '127.0.0.1')
  const wantsBody = !Buffer.from(bytes.subarray(0, 5)).toString('latin1').startsWith('HEAD ')
  let text = ''
  try {
    await once(socket, 'connect')
    socket.on('error', () => undefined) // a server may close while we still write
    socket.write(bytes)
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy())
    for await (const piece of socket) {
      text += (piece as Buffer).toString('latin1')
      const response = parse(text, wantsBody)
      if (response) return response
    }
  } catch {
    // Destroyed by the time-out: what has come is all there is.
  } finally {
    socket.destroy()
  }
  const head = parse(text, false)
  if (!head) return { statusLine: NO_RESPONSE, headers: [], body: text }
  return { ...head, body: text.slice(text.indexOf('\r\n\r\n') + 4) }
}

function parse(text: string, wantsBody: boolean): WireResponse | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  if (statusLine.startsWith('HTTP/1.1 100')) return parse(text.slice(end + 4), wantsBody)
  const headers = lines.map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at), line.slice(at + 1).trim()] as const
  })
  const find = (name: string) => headers.find(([known]) => known.toLowerCase() === name)?.[1]
  const rest = text.slice(end + 4)
  if (!wantsBody) return { statusLine, headers, body: '' }
  const length = find('content-length')
  if (length !== undefined) {
    return rest.length < Number(length)
      ? undefined
      : { statusLine, headers, body: rest.slice(0, Number(length)) }
  }
  if (find('transfer-encoding') !== 'chunked') return undefined
  const chunks = readChunks(rest)
  return chunks && { statusLine, headers, body: chunks.join(''), chunks: chunks.map((chunk) => chunk.length) }
}

function readChunks(text: string): string[] | undefined {
  const chunks: string[] = []
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    const next = line + 2 + size + 2
    if (next > text.length) return undefined
    if (size === 0) return chunks
    chunks.push(text.slice(line + 2, line + 2 + size))
    at = next
  }
}
