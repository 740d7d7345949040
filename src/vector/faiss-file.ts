/** Vectors and ids from and to a faiss file, as a stream: beside the one array that is the index, only pieces of it. */
import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { invalidFile, messageOf } from '../errors.js'
import type { IndexContents } from './contents.js'
import {
  encodeHead,
  encodeLength,
  MAX_HEAD_BYTES,
  parseHead,
  readU64,
  type FaissLayout,
} from './faiss-format.js'

/** What a faiss file itself holds; labels and model hash stand in the sidecar. */
export type FaissContents = Omit<IndexContents, 'labels' | 'modelHash'>

/** Size of one read or write: large enough that a call costs nothing beside it, small enough to stay in the cache. */
const PIECE_BYTES = 4 * 1024 * 1024

/**
 * Reads a file that faiss or {@link writeFaiss} wrote.
 * @returns the contents and the SHA-256 (hex) of the file
 * @throws MarinaError `invalid-file` for a file that is missing, damaged, truncated or of another type
 */
export async function readFaiss(file: string): Promise<{ contents: FaissContents; sha256: string }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw invalidFile(file, `cannot be read: ${messageOf(error)}`, error)
  })
  try {
    const { size } = await handle.stat()
    const head = new Uint8Array(Math.min(size, MAX_HEAD_BYTES))
    await readInto(head, { handle, at: 0, file })
    return await readBody(handle, { file, head, layout: parseHead(head, { file, fileBytes: size }) })
  } finally {
    await handle.close()
  }
}

async function readBody(
  handle: FileHandle,
  { file, head, layout }: { file: string; head: Uint8Array; layout: FaissLayout },
) {
  const { metric, dimension, count, vectorsAt, idsAt } = layout
  const hash = createHash('sha256').update(head.subarray(0, vectorsAt))
  const vectors = allocate(() => new Float32Array(count * dimension), { file, layout })
  await readInto(bytesOf(vectors), { handle, at: vectorsAt, file, hash })
  const ids = idsAt === undefined ? undefined : await readIds(handle, { file, at: idsAt, count, hash })
  return { contents: { metric, dimension, count, vectors, ids }, sha256: hash.digest('hex') }
}

async function readIds(
  handle: FileHandle,
  { file, at, count, hash }: { file: string; at: number; count: number; hash: Hash },
): Promise<BigInt64Array> {
  const length = encodeLength(0)
  await readInto(length, { handle, at, file, hash })
  const announced = readU64(length, 0, file)
  if (announced !== count) throw invalidFile(file, `is damaged: it has ${announced} ids for ${count} vectors`)
  const ids = new BigInt64Array(count)
  await readInto(bytesOf(ids), { handle, at: at + length.length, file, hash })
  return ids
}

/** An array longer than the machine or the language allows is the file's fault, not a crash. */
function allocate(make: () => Float32Array, { file, layout }: { file: string; layout: FaissLayout }) {
  try {
    return make()
  } catch (error) {
    const { count, dimension } = layout
    throw invalidFile(
      file,
      `is too large for this machine: ${count} vectors of dimension ${dimension}`,
      error,
    )
  }
}

async function readInto(
  target: Uint8Array,
  { handle, at, file, hash }: { handle: FileHandle; at: number; file: string; hash?: Hash },
): Promise<void> {
  for (let done = 0; done < target.byteLength;) {
    const piece = target.subarray(done, done + PIECE_BYTES)
    const { bytesRead } = await handle.read(piece, 0, piece.byteLength, at + done)
    if (bytesRead === 0) throw invalidFile(file, `became shorter while it was read: it ends at ${at + done}`)
    hash?.update(piece.subarray(0, bytesRead))
    done += bytesRead
  }
}

/**
 * Writes the contents where `handle` stands: `IndexFlatL2` or `IndexFlatIP`, within an `IndexIDMap` if there are ids.
 * @returns the SHA-256 (hex) of what was written
 */
export async function writeFaiss(handle: FileHandle, contents: FaissContents): Promise<string> {
  const hash = createHash('sha256')
  const { vectors, ids, count } = contents
  await writeAll(encodeHead(contents, ids !== undefined), { handle, hash })
  await writeAll(bytesOf(vectors), { handle, hash })
  if (ids) {
    await writeAll(encodeLength(count), { handle, hash })
    await writeAll(bytesOf(ids), { handle, hash })
  }
  return hash.digest('hex')
}

async function writeAll(bytes: Uint8Array, { handle, hash }: { handle: FileHandle; hash: Hash }) {
  for (let done = 0; done < bytes.byteLength;) {
    const piece = bytes.subarray(done, done + PIECE_BYTES)
    const { bytesWritten } = await handle.write(piece)
    hash.update(piece.subarray(0, bytesWritten))
    done += bytesWritten
  }
}

/** Numbers in memory are little-endian on every machine that ONNX Runtime runs on, as they are in the file. */
const bytesOf = (array: Float32Array | BigInt64Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
