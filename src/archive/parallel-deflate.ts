/**
 * Deflate on all cores: a stream is cut into blocks that are compressed side by side, each ending at a byte boundary
 * (zlib's sync flush), and joined in their order to one ordinary deflate stream (RFC 1951), as pigz does.
 */
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, type ZlibOptions } from 'node:zlib'

const deflate: (data: Uint8Array, options: ZlibOptions) => Promise<Buffer> = promisify(deflateRaw)

/** Large enough that less than 0.1 % is lost at its edges, small enough that those on their way are few megabytes. */
const BLOCK_BYTES = 1 << 18
/** Deflate looks back so far; the end of one block is the dictionary of the next. */
const WINDOW_BYTES = 32 << 10
/** One block for each core, and one that waits; libuv has four threads, of which reading and writing need one. */
const BLOCKS_AT_ONCE = Math.min(availableParallelism(), 3) + 1

/**
 * Raw deflate of all chunks of `source`, which may be of any size and must stay as they are. The result depends on
 * the bytes alone, not on their division into chunks nor on the number of cores.
 */
export async function* deflateInParallel(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const running: Promise<Buffer>[] = []
  for await (const block of blocksOf(source)) {
    const packed = deflateBlock(block)
    // Awaited in its turn; until then a failure must not count as unhandled.
    packed.catch(() => undefined)
    running.push(packed)
    const first = running.length >= BLOCKS_AT_ONCE ? running.shift() : undefined
    if (first) yield await first
  }
  for (const packed of running) yield await packed
}

/** The same within a gzip file (RFC 1952), without name and time. */
export async function* gzipInParallel(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const read = { crc: 0, bytes: 0 }
  async function* measured() {
    for await (const chunk of source) {
      read.crc = crc32(chunk, read.crc)
      read.bytes += chunk.length
      yield chunk
    }
  }
  yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
  yield* deflateInParallel(measured())
  const end = Buffer.alloc(8)
  end.writeUInt32LE(read.crc, 0)
  end.writeUInt32LE(read.bytes % 2 ** 32, 4)
  yield end
}

interface Block {
  readonly bytes: Uint8Array
  /** What came before it. */
  readonly dictionary: Uint8Array | undefined
  readonly isLast: boolean
}

/** Blocks of equal size but the last, of which there is always one, though it may be empty. */
async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let dictionary: Uint8Array | undefined
  let held: Uint8Array | undefined
  for await (const bytes of cut(source)) {
    if (held) {
      yield { bytes: held, dictionary, isLast: false }
      dictionary = held.subarray(-WINDOW_BYTES)
    }
    held = bytes
  }
  yield { bytes: held ?? new Uint8Array(), dictionary, isLast: true }
}

async function* cut(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let missing = BLOCK_BYTES
  for await (const chunk of source)
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + missing)
      parts.push(part)
      at += part.length
      missing -= part.length
      if (missing > 0) continue
      yield joined(parts)
      parts = []
      missing = BLOCK_BYTES
    }
  if (parts.length > 0) yield joined(parts)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts
  return first && parts.length === 1 ? first : Buffer.concat(parts)
}

async function deflateBlock({ bytes, dictionary, isLast }: Block): Promise<Buffer> {
  return deflate(bytes, {
    ...(await methodFor(bytes)),
    ...(dictionary && { dictionary }),
    finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    // All of the output in one go, since each further piece is a way to the thread and back.
    chunkSize: Math.max(bytes.length + (bytes.length >> 8), 1 << 10) + 64,
  })
}

/** Below this a block is compressed in less time than its samples are. */
const SAMPLE_FROM_BYTES = 128 << 10
const SAMPLE_BYTES = 16 << 10

/**
 * How a block is compressed. Weights hold nothing that repeats, and the search for it costs nine tenths of the time:
 * where samples show that it gains below 1 %, only the bytes' frequencies are used (floats shrink by 8 % that way), and
 * nothing where that gains below 1 % too.
 */
async function methodFor(bytes: Uint8Array): Promise<ZlibOptions> {
  if (bytes.length < SAMPLE_FROM_BYTES) return {}
  const sample = sampleOf(bytes)
  const frequencies = { strategy: constants.Z_HUFFMAN_ONLY }
  const [searched, coded] = await Promise.all([sizeOf(sample, {}), sizeOf(sample, frequencies)])
  if (searched < coded * 0.99) return {}
  return coded < sample.length * 0.99 ? frequencies : { level: constants.Z_NO_COMPRESSION }
}

const sizeOf = async (sample: Uint8Array, options: ZlibOptions): Promise<number> =>
  (await deflate(sample, { ...options, chunkSize: 2 * sample.length })).length

/** Beginning, middle and end. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const middle = (bytes.length - SAMPLE_BYTES) >> 1
  return Buffer.concat([
    bytes.subarray(0, SAMPLE_BYTES),
    bytes.subarray(middle, middle + SAMPLE_BYTES),
    bytes.subarray(-SAMPLE_BYTES),
  ])
}
