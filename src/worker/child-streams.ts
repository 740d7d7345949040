/** A worker's streams, as its parent reads and writes them. */
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

/** How long is waited for what the pipes of a process still hold after its end; a grandchild may keep them open for ever. */
const LAST_WORDS_MS = 250
/** A line without an end must not grow for ever. */
const LONGEST_LINE_CHARS = 64 * 1024

/** Writes pieces as one; false when the socket's buffer is over its limit. A socket that has ended takes everything. */
export function writeAll(socket: Socket, pieces: readonly Uint8Array[]): boolean {
  if (!socket.writable) return true
  socket.cork()
  let roomy = true
  for (const piece of pieces) roomy = socket.write(piece)
  socket.uncork()
  return roomy
}

/** Tells each line of UTF-8 text, the last one also without its end. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE_CHARS) {
      lines.push(rest)
      rest = ''
    }
    lines.forEach(onLine)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
  stream.on('error', () => undefined)
}

/** Resolves when all has come that a process has said before its end: at the 'close' of itself or of a stream, or soon. */
export const lastWords = (source: EventEmitter): Promise<void> =>
  new Promise((resolve) => {
    // Read once more before it is over: this process may have been held up for longer than that itself.
    const timer = setTimeout(() => setImmediate(resolve), LAST_WORDS_MS)
    // Not `once` of node:events, which rejects where the end is an error.
    source.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
