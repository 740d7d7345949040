/** The caller's side of the hashing thread. */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Digest } from './digest.js'
import type { DigestReply, DigestRequest } from './digest-thread.js'

/** Below this a thread takes longer to start (20 ms) than the hashing would. */
export const THREAD_FROM_BYTES = 16 << 20

/** A running thread. Its owner stops it; whoever waits then gets an error. */
export interface DigestThread {
  /** Moves `buffer` to the thread, which adds its first `bytes` bytes to the running digest and moves it back. */
  chunk(buffer: ArrayBuffer, bytes: number): Promise<ArrayBuffer>
  /** The digest of all chunks since the last `end`. */
  end(): Promise<Digest>
  /** The digest of a file, read in the thread. Rejects with the system's error. */
  file(path: string): Promise<Digest>
  stop(): Promise<void>
}

type Waiting = { readonly resolve: (reply: DigestReply) => void; readonly reject: (error: unknown) => void }

/** Starts a thread; errors of starting come with the first request. */
export function startDigestThread(): DigestThread {
  const worker = new Worker(createRequire(import.meta.url).resolve('#archive-digest'))
  // A forgotten thread must not keep a process alive that has nothing else to do.
  worker.unref()
  const waiting: Waiting[] = []
  let ended: Error | undefined
  const end = (error: Error) => {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => end(new Error('the hashing thread has ended')))
  // Replies come in the order of the requests.
  worker.on('message', (reply: DigestReply) => {
    const next = waiting.shift()
    if (reply.kind === 'failed') next?.reject(reply.error)
    else next?.resolve(reply)
    if (waiting.length === 0) worker.unref()
  })
  const ask = (request: DigestRequest): Promise<DigestReply> =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(ended)
        return
      }
      worker.ref()
      waiting.push({ resolve, reject })
      worker.postMessage(request, request.kind === 'chunk' ? [request.buffer] : [])
    })
  return {
    chunk: async (buffer, bytes) => bufferOf(await ask({ kind: 'chunk', buffer, bytes })),
    end: async () => digestOf(await ask({ kind: 'end' })),
    file: async (path) => digestOf(await ask({ kind: 'file', path })),
    stop: async () => {
      end(new Error('the hashing thread was stopped'))
      await worker.terminate()
    },
  }
}

function bufferOf(reply: DigestReply): ArrayBuffer {
  if (reply.kind !== 'chunk') throw new Error(`the hashing thread answered ${reply.kind}, not chunk`)
  return reply.buffer
}

function digestOf(reply: DigestReply): Digest {
  if (reply.kind !== 'digest') throw new Error(`the hashing thread answered ${reply.kind}, not digest`)
  return reply.digest
}

/** A thread that is started by the first `get` and stopped by `stop`. */
export interface LazyDigestThread {
  get(): DigestThread
  stop(): Promise<void>
}

/** For work that may turn out to be too small for a thread. */
export function lazyDigestThread(): LazyDigestThread {
  let thread: DigestThread | undefined
  return {
    get: () => (thread ??= startDigestThread()),
    stop: async () => thread?.stop(),
  }
}
