/** A thread that hashes, so that the event loop does not: it takes pieces, which it gives back, or a file's path. */
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { createDigester, type Digest } from './digest.js'

/** Asks the thread, which answers each request once and in order. */
export type DigestRequest =
  | { readonly kind: 'chunk'; readonly buffer: ArrayBuffer; readonly bytes: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'file'; readonly path: string }

/** `buffer` is the very one that was sent, moved back. */
export type DigestReply =
  | { readonly kind: 'chunk'; readonly buffer: ArrayBuffer }
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'failed'; readonly error: Error }

const PIECE_BYTES = 1 << 20

let running = createDigester()

function answer(request: DigestRequest): DigestReply {
  switch (request.kind) {
    case 'chunk':
      running.update(new Uint8Array(request.buffer, 0, request.bytes))
      return { kind: 'chunk', buffer: request.buffer }
    case 'end': {
      const digest = running.end()
      running = createDigester()
      return { kind: 'digest', digest }
    }
    case 'file':
      return { kind: 'digest', digest: digestFile(request.path) }
    default:
      return request satisfies never
  }
}

function digestFile(path: string): Digest {
  const digester = createDigester()
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const file = openSync(path, 'r')
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
      digester.update(piece.subarray(0, read))
  } finally {
    closeSync(file)
  }
  return digester.end()
}

parentPort?.on('message', (request: DigestRequest) => {
  try {
    const reply = answer(request)
    parentPort?.postMessage(reply, reply.kind === 'chunk' ? [reply.buffer] : [])
  } catch (error) {
    parentPort?.postMessage({ kind: 'failed', error } satisfies { kind: string; error: unknown })
  }
})
