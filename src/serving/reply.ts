/**
 * The way of an answer from the dispatcher back to its caller. A streamed answer waits for its own reader here, and for
 * nobody else's: the worker's socket goes on being read, so one slow reader costs memory, up to a limit, and no time.
 */
import { Buffer } from 'node:buffer'
import { messageOf } from '../errors.js'
import type { Chunk, OnChunk, Outcome, ReplySink } from './job.js'

/**
 * Bytes of a streamed answer that may wait for its reader. The protocol has no way to pause one stream of a worker, so
 * a reader that falls this far behind is treated as gone.
 */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024

/** What a reply needs. */
export interface ReplyOptions {
  /** Takes the pieces; without it they are joined to one answer. */
  readonly onChunk: OnChunk | undefined
  /** The reader is gone or too slow: nobody wants the rest. Called at most once. */
  readonly onLost: (why: string) => void
}

/** Makes the sink of one job and the promise that it settles. The promise never rejects. */
export function createReply(options: ReplyOptions): { sink: ReplySink; settled: Promise<Outcome> } {
  let resolve: (outcome: Outcome) => void = () => undefined
  const settled = new Promise<Outcome>((done) => (resolve = done))
  let stream: Stream | undefined
  const sink: ReplySink = {
    chunk(chunk) {
      stream ??= createStream(options)
      stream.push(chunk)
    },
    settle(outcome) {
      if (stream) void stream.end(outcome).then(resolve)
      else if (outcome instanceof Promise) void outcome.then(resolve)
      else resolve(outcome)
    },
  }
  return { sink, settled }
}

interface Stream {
  push(chunk: Chunk | Promise<Chunk>): void
  end(outcome: Outcome | Promise<Outcome>): Promise<Outcome>
}

function createStream({ onChunk, onLost }: ReplyOptions): Stream {
  const joined: Chunk[] = []
  const deliver: OnChunk = onChunk ?? ((chunk) => void joined.push(chunk))
  let unreadBytes = 0
  let lost = false
  let taken = Promise.resolve()
  const lose = (why: string) => {
    if (!lost) onLost(why)
    lost = true
  }
  const take = async (next: Chunk | Promise<Chunk>) => {
    if (lost) return
    const chunk = await next
    await deliver(chunk)
    unreadBytes -= chunk.data.byteLength
  }
  return {
    push(chunk) {
      if (lost) return
      if (!(chunk instanceof Promise)) unreadBytes += chunk.data.byteLength
      if (onChunk && unreadBytes > MAX_UNREAD_BYTES) {
        lose(`the reader of a streamed answer is more than ${MAX_UNREAD_BYTES} bytes behind`)
        return
      }
      taken = taken
        .then(() => take(chunk))
        .catch((error: unknown) => lose(`the reader of a streamed answer is gone: ${messageOf(error)}`))
    },
    async end(ending) {
      await taken
      const outcome = await ending
      if (outcome.kind !== 'ok') return outcome
      if (onChunk && outcome.body.byteLength > 0 && !lost)
        await take({ data: outcome.body }).catch(() => undefined)
      return onChunk ? { kind: 'streamed' } : join(joined, outcome)
    },
  }
}

/** The whole answer for a caller who does not take pieces; the status and headers of the first piece hold. */
function join(chunks: readonly Chunk[], outcome: Extract<Outcome, { kind: 'ok' }>): Outcome {
  return {
    ...outcome,
    ...chunks[0]?.head,
    body: Buffer.concat([...chunks.map(({ data }) => data), outcome.body]),
  }
}
