/** Turns what a worker wrote about a job into what its caller gets. */
import { open } from 'node:fs/promises'
import { messageOf } from '../errors.js'
import type { BodyRef, WireOutcome } from '../protocol/messages.js'
import type { Ending, WireChunk } from './dispatch/state.js'
import type { Chunk, Outcome } from './job.js'

/** The outcome of an ending. A promise only where the body has to be read from a file. */
export function toOutcome(ending: Ending): Outcome | Promise<Outcome> {
  return ending.kind === 'answered' ? fromWire(ending.outcome) : ending
}

/** The chunk with its bytes; a promise as in {@link toOutcome}. */
export function toChunk({ head, body }: WireChunk): Chunk | Promise<Chunk> {
  const withData = (data: Uint8Array): Chunk => (head ? { head, data } : { data })
  const data = bytesOf(body)
  return data instanceof Promise ? data.then(withData) : withData(data)
}

function fromWire(outcome: WireOutcome): Outcome | Promise<Outcome> {
  if (outcome.kind === 'failed') return outcome
  const { body: ref, ...head } = outcome
  const body = bytesOf(ref)
  if (!(body instanceof Promise)) return { ...head, body }
  return body.then(
    (data): Outcome => ({ ...head, body: data }),
    (error: unknown): Outcome => ({
      kind: 'failed',
      reason: 'invalid-output',
      status: 500,
      message: `The answer could not be read from the worker's file: ${messageOf(error)}`,
    }),
  )
}

/** The bytes of a body; those in a file are read whole. */
export function bytesOf(body: BodyRef): Uint8Array | Promise<Uint8Array> {
  return body.kind === 'inline' ? body.data : readPart(body)
}

async function readPart({ file, offset, bytes }: Extract<BodyRef, { kind: 'file' }>): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    const data = new Uint8Array(bytes)
    for (let done = 0; done < bytes;) {
      const { bytesRead } = await handle.read(data, done, bytes - done, offset + done)
      if (bytesRead === 0)
        throw new Error(`${file} ends after ${offset + done} bytes, ${offset + bytes} are needed`)
      done += bytesRead
    }
    return data
  } finally {
    await handle.close()
  }
}
