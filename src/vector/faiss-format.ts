/**
 * The layout of faiss's flat index files, in bytes only. All numbers are little-endian.
 *
 *     flat    fourcc · header · u64 number of floats · floats
 *     id map  fourcc · header · a whole flat index · u64 number of ids · i64 ids
 *     header  i32 dimension · i64 count · 16 unused bytes · u8 trained · i32 metric (0 inner product, 1 L2)
 *
 * Source of the facts: faiss/impl/index_write.cpp and index_read.cpp, the same from 1.7.3 to 1.15.
 */
import { invalidFile } from '../errors.js'
import type { Metric } from './neighbours.js'

/** Where everything stands in a file that `parseHead` accepted. */
export interface FaissLayout {
  readonly metric: Metric
  readonly dimension: number
  readonly count: number
  /** Byte offset of the first float. */
  readonly vectorsAt: number
  /** Byte offset of the number of ids; undefined in a file without an id map. */
  readonly idsAt: number | undefined
}

const HEADER_BYTES = 37
const LENGTH_BYTES = 8
/** faiss writes 2^20 twice where older versions had fields, and ignores it when reading. */
const UNUSED = 1n << 20n

/** As much of a file's beginning as {@link parseHead} may need. */
export const MAX_HEAD_BYTES = 2 * HEADER_BYTES + LENGTH_BYTES

const metricOfFlat: Readonly<Record<string, Metric | 'any'>> = { IxF2: 'l2', IxFI: 'ip', IxFl: 'any' }
const idMaps: readonly string[] = ['IxMp', 'IxM2']

/** Names for the types that are most often met, so that an error can say what a file is. */
const otherTypes: Readonly<Record<string, string>> = {
  IHNf: 'IndexHNSWFlat',
  IHNp: 'IndexHNSWPQ',
  IHNs: 'IndexHNSWSQ',
  INSf: 'IndexNSGFlat',
  IwFl: 'IndexIVFFlat',
  IwPQ: 'IndexIVFPQ',
  IwSq: 'IndexIVFScalarQuantizer',
  IxPq: 'IndexPQ',
  IxSQ: 'IndexScalarQuantizer',
  IxPT: 'IndexPreTransform',
  IxRF: 'IndexRefineFlat',
  IxHe: 'IndexLSH',
  IxFP: 'IndexFlatL2Panorama',
  IBxF: 'IndexBinaryFlat',
  IBMp: 'IndexBinaryIDMap',
}

/**
 * Reads the first {@link MAX_HEAD_BYTES} (or the whole, if shorter) of a file of `fileBytes` bytes, and checks that the
 * file is exactly as long as it says: nothing is allocated on the word of a damaged header.
 * @throws MarinaError `invalid-file` for another type (named), another metric, a damaged or truncated file
 */
export function parseHead(head: Uint8Array, { file, fileBytes }: HeadSource): FaissLayout {
  const outer = parseHeader(head, { at: 0, file })
  const mapped = idMaps.includes(outer.fourcc)
  const flat = mapped ? parseHeader(head, { at: HEADER_BYTES, file }) : outer
  checkFlat(flat, { file, within: mapped ? ' inside an IndexIDMap' : '' })
  const { metric, dimension, count } = flat
  if (outer.dimension !== dimension || outer.count !== count || outer.metric !== metric)
    throw invalidFile(
      file,
      `is damaged: its id map is of ${describe(outer)}, the index inside of ${describe(flat)}`,
    )
  const lengthAt = mapped ? 2 * HEADER_BYTES : HEADER_BYTES
  const floats = readU64(head, lengthAt, file)
  if (floats !== count * dimension)
    throw invalidFile(file, `is damaged: it announces ${describe(flat)} but ${floats} numbers`)
  const vectorsAt = lengthAt + LENGTH_BYTES
  const vectorsEnd = vectorsAt + floats * Float32Array.BYTES_PER_ELEMENT
  const end = mapped ? vectorsEnd + LENGTH_BYTES + count * BigInt64Array.BYTES_PER_ELEMENT : vectorsEnd
  if (fileBytes < end)
    throw invalidFile(file, `is truncated: ${describe(flat)} take ${end} bytes, and it has ${fileBytes}`)
  if (fileBytes > end)
    throw invalidFile(
      file,
      `has ${fileBytes - end} bytes after its end: it is damaged or another kind of file`,
    )
  return { metric, dimension, count, vectorsAt, idsAt: mapped ? vectorsEnd : undefined }
}

/** The file that a head was read from. */
interface HeadSource {
  readonly file: string
  readonly fileBytes: number
}

/** All that stands before the vectors. */
export function encodeHead(shape: Pick<FaissLayout, 'metric' | 'dimension' | 'count'>, mapped: boolean) {
  const fourcc = shape.metric === 'l2' ? 'IxF2' : 'IxFI'
  const headers = mapped
    ? [encodeHeader('IxMp', shape), encodeHeader(fourcc, shape)]
    : [encodeHeader(fourcc, shape)]
  return Buffer.concat([...headers, encodeLength(shape.count * shape.dimension)])
}

/** A `u64`, as it stands before floats and ids. */
export function encodeLength(length: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeBigUInt64LE(BigInt(length))
  return bytes
}

/** Reads a `u64`; one beyond 2^53 is damage, for no file is that long. */
export function readU64(bytes: Uint8Array, at: number, file: string): number {
  if (bytes.byteLength < at + LENGTH_BYTES) throw invalidFile(file, 'is truncated: it ends in its head')
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset).readBigUInt64LE(at))
}

interface Header {
  readonly fourcc: string
  readonly dimension: number
  readonly count: number
  readonly metric: Metric
}

function parseHeader(bytes: Uint8Array, { at, file }: { at: number; file: string }): Header {
  if (bytes.byteLength < at + 4) throw invalidFile(file, 'is truncated: it ends in its head')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + at, bytes.byteLength - at)
  const fourcc = buffer.toString('latin1', 0, 4)
  if (!(fourcc in metricOfFlat) && !idMaps.includes(fourcc)) throw unknownType(fourcc, file)
  if (buffer.length < HEADER_BYTES) throw invalidFile(file, 'is truncated: it ends in its head')
  const metric = buffer.readInt32LE(33)
  if (metric !== 0 && metric !== 1)
    throw invalidFile(file, `uses faiss's metric ${metric}; Marina reads inner product (0) and L2 (1)`)
  return {
    fourcc,
    dimension: buffer.readInt32LE(4),
    count: Number(buffer.readBigInt64LE(8)),
    metric: metric === 1 ? 'l2' : 'ip',
  }
}

function unknownType(fourcc: string, file: string) {
  const name = otherTypes[fourcc]
  const readable = 'Marina reads IndexFlatL2, IndexFlatIP and IndexIDMap of them'
  if (name) return invalidFile(file, `holds faiss's ${name}; ${readable}`)
  if (/^I[A-Za-z0-9]{3}$/.test(fourcc))
    return invalidFile(file, `holds a faiss index of type '${fourcc}'; ${readable}`)
  return invalidFile(file, `is no faiss index; ${readable}`)
}

function checkFlat(header: Header, { file, within }: { file: string; within: string }): void {
  const expected = metricOfFlat[header.fourcc]
  if (expected === undefined)
    throw invalidFile(file, `holds '${header.fourcc}'${within}; Marina reads flat indexes there`)
  if (expected !== 'any' && expected !== header.metric)
    throw invalidFile(file, `is damaged: its type '${header.fourcc}' and its metric disagree`)
  if (header.dimension < 1 || header.count < 0 || !Number.isSafeInteger(header.count * header.dimension * 4))
    throw invalidFile(file, `is damaged: it announces ${describe(header)}`)
}

const describe = ({ count, dimension, metric }: Pick<Header, 'count' | 'dimension' | 'metric'>) =>
  `${count} vectors of dimension ${dimension} (${metric})`

function encodeHeader(fourcc: string, { metric, dimension, count }: Omit<Header, 'fourcc'>): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write(fourcc, 'latin1')
  bytes.writeInt32LE(dimension, 4)
  bytes.writeBigInt64LE(BigInt(count), 8)
  bytes.writeBigInt64LE(UNUSED, 16)
  bytes.writeBigInt64LE(UNUSED, 24)
  bytes.writeUInt8(1, 32)
  bytes.writeInt32LE(metric === 'l2' ? 1 : 0, 33)
  return bytes
}
