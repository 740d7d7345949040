/** The bytes of a member on their way into an archive, digested as they pass. */
import { open, type FileHandle } from 'node:fs/promises'
import { invalidFile } from '../errors.js'
import { unreadableFile } from './errors.js'
import { createDigester, type Digest } from './digest.js'
import { THREAD_FROM_BYTES, type LazyDigestThread } from './digest-client.js'

/** Read once and to the end; the chunks are the reader's own. */
export interface Body extends AsyncIterable<Uint8Array> {
  /** Of all bytes; throws before the end was reached. */
  digest(): Digest
}

/** How a file is read. */
export interface FileBodyOptions {
  /** The size that was seen before; another one is an error, `invalid-file`. */
  readonly bytes: number
  /** Large files are digested there. */
  readonly thread: LazyDigestThread
  readonly signal?: AbortSignal | undefined
}

/** Bytes in memory. */
export function dataBody(data: Uint8Array): Body {
  return bodyOf(async function* (done) {
    const digester = createDigester()
    digester.update(data)
    yield await Promise.resolve(data)
    done(digester.end())
  })
}

/** A file's bytes, in pieces of 1 MiB. */
export function fileBody(path: string, options: FileBodyOptions): Body {
  return bodyOf(async function* (done) {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw unreadableFile(path, error)
    })
    try {
      const read = options.bytes < THREAD_FROM_BYTES ? readHere(file, options) : readAhead(file, options)
      let digest: Digest | undefined
      for await (const piece of read)
        if ('digest' in piece) ({ digest } = piece)
        else yield piece.chunk
      if (digest?.bytes !== options.bytes) throw invalidFile(path, 'changed its size while it was packed')
      done(digest)
    } finally {
      await file.close()
    }
  })
}

function bodyOf(read: (done: (digest: Digest) => void) => AsyncGenerator<Uint8Array>): Body {
  let digest: Digest | undefined
  return {
    [Symbol.asyncIterator]: () => read((whole) => (digest = whole)),
    digest() {
      if (!digest) throw new Error('the digest is known when all bytes have been read')
      return digest
    },
  }
}

const PIECE_BYTES = 1 << 20
/** Pieces on their way through the thread at once: enough that neither side waits, and few megabytes. */
const PIECES_AHEAD = 4

type Piece = { readonly chunk: Uint8Array } | { readonly digest: Digest }

async function* readHere(file: FileHandle, { bytes, signal }: FileBodyOptions): AsyncGenerator<Piece> {
  // One byte more, so that a file that has grown is seen to have.
  const size = Math.min(bytes + 1, PIECE_BYTES)
  const digester = createDigester()
  for (;;) {
    signal?.throwIfAborted()
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(size), 0, size, null)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    digester.update(chunk)
    yield { chunk }
  }
  yield { digest: digester.end() }
}

/** While the reader writes one piece, the thread digests the next ones. */
async function* readAhead(file: FileHandle, { thread, signal }: FileBodyOptions): AsyncGenerator<Piece> {
  const digester = thread.get()
  const digested: Promise<Uint8Array>[] = []
  const readNext = async () => {
    const buffer = new ArrayBuffer(PIECE_BYTES)
    const { bytesRead } = await file.read(Buffer.from(buffer), 0, PIECE_BYTES, null)
    if (bytesRead === 0) return false
    const chunk = digester.chunk(buffer, bytesRead).then((back) => new Uint8Array(back, 0, bytesRead))
    // Awaited in its turn; until then a failure must not count as unhandled.
    chunk.catch(() => undefined)
    digested.push(chunk)
    return true
  }
  let more = true
  do {
    signal?.throwIfAborted()
    while (more && digested.length < PIECES_AHEAD) more = await readNext()
    const chunk = await digested.shift()
    if (chunk) yield { chunk }
  } while (more || digested.length > 0)
  yield { digest: await digester.end() }
}
