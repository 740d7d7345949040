/**
 * One end of a connection between server and worker, as a function over bytes: it is given how to write, and says what to
 * call when bytes arrive. Frames sent in one turn of the event loop leave in one write.
 */

/** What a channel is built on. */
export interface ChannelOptions<Out, In> {
  readonly encode: (message: Out) => Uint8Array[]
  readonly createDecoder: (onMessage: (message: In) => void) => (bytes: Uint8Array) => void
  /** Writes pieces in order; false when the buffer below is over its limit. */
  readonly write: (pieces: readonly Uint8Array[]) => boolean
  readonly onMessage: (message: In) => void
  /** Bytes that are no frames arrived; nothing more will be read. */
  readonly onBroken: (error: unknown) => void
}

/** One end of a connection. */
export interface Channel<Out> {
  /** Queues a message for this turn's write. */
  send(message: Out): void
  /** Writes at once what is queued, for a caller that is about to block the event loop. */
  flush(): void
  /** To be called with what arrives. */
  receive(bytes: Uint8Array): void
  /** To be called when the buffer below has drained. */
  drained(): void
  /** True while the buffer below is over its limit. */
  readonly congested: boolean
}

/** Writes of up to this many bytes are joined: one copy of so little costs less than a vectored write. */
const JOIN_BYTES = 32 * 1024

/** Makes a channel; the caller feeds {@link Channel.receive} and {@link Channel.drained}. */
export function createChannel<Out, In>(options: ChannelOptions<Out, In>): Channel<Out> {
  let pieces: Uint8Array[] = []
  let scheduled = false
  let congested = false
  let broken = false
  const decode = options.createDecoder(options.onMessage)

  function flush(): void {
    scheduled = false
    if (pieces.length === 0) return
    const leaving = pieces
    pieces = []
    congested = !options.write(joined(leaving))
  }

  return {
    send(message) {
      for (const piece of options.encode(message)) pieces.push(piece)
      if (scheduled) return
      scheduled = true
      setImmediate(flush)
    },
    flush,
    receive(bytes) {
      if (broken) return
      try {
        decode(bytes)
      } catch (error) {
        broken = true
        options.onBroken(error)
      }
    },
    drained() {
      congested = false
    },
    get congested() {
      return congested
    },
  }
}

function joined(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  if (pieces.length === 1) return pieces
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  return bytes <= JOIN_BYTES ? [Buffer.concat(pieces, bytes)] : pieces
}
