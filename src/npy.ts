/**
 * NumPy's `.npy` files, for arrays that steps hand to each other: little-endian, C order. A leaf: open to all parts.
 * Format: numpy.lib.format, versions 1.0 and 2.0.
 */
import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { invalidFile, invalidShape, messageOf } from './errors.js'

const types = {
  u1: { descr: '|u1', array: Uint8Array },
  i4: { descr: '<i4', array: Int32Array },
  i8: { descr: '<i8', array: BigInt64Array },
  f4: { descr: '<f4', array: Float32Array },
  f8: { descr: '<f8', array: Float64Array },
} as const

/** The element types that are read and written: unsigned bytes, 32- and 64-bit integers, 32- and 64-bit floats. */
export type NpyType = keyof typeof types

/** The array of an element type. */
export type NpyData = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array

/** What the head of a file says. */
export interface NpyHeader {
  readonly dtype: NpyType
  readonly shape: readonly number[]
}

/** An array with its shape, row-major. */
export interface NpyArray extends NpyHeader {
  readonly data: NpyData
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1')
const ALIGNMENT = 64
/** A header beyond this is damage: those of real files have about a hundred bytes. */
const MAX_HEADER_BYTES = 2 ** 16

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)

/** The first bytes of a file for an array of this type and shape. */
export function encodeNpyHeader({ dtype, shape }: NpyHeader): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`
  const text = `{'descr': '${types[dtype].descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  const length = Math.ceil((MAGIC.length + 4 + text.length + 1) / ALIGNMENT) * ALIGNMENT - MAGIC.length - 4
  const head = Buffer.alloc(MAGIC.length + 4 + length, ' ')
  MAGIC.copy(head)
  head.writeUInt16LE(1, MAGIC.length)
  head.writeUInt16LE(length, MAGIC.length + 2)
  head.write(text, MAGIC.length + 4, 'latin1')
  head.write('\n', head.length - 1)
  return head
}

/** Where the data of a file begins, and what it is. */
interface Layout extends NpyHeader {
  readonly dataAt: number
}

/**
 * Reads the head of a file.
 * @throws MarinaError `invalid-file` for another kind of file, another element type, or Fortran order
 */
export async function readNpyHeader(file: string): Promise<NpyHeader> {
  return withFile(file, async (handle) => {
    const { dtype, shape } = await readLayout(handle, file)
    return { dtype, shape }
  })
}

/** Reads a whole file. Errors as {@link readNpyHeader}, and for a file that is shorter than its head says. */
export async function readNpy(file: string): Promise<NpyArray> {
  return withFile(file, async (handle) => {
    const layout = await readLayout(handle, file)
    return readRange(handle, { file, layout, first: 0, rows: layout.shape[0] ?? 1 })
  })
}

/**
 * Reads the rows `first` … `first + rows` along the first dimension, so that a large file need not be held whole.
 * @throws MarinaError `invalid-shape` when the file has no such rows
 */
export async function readNpyRows(file: string, range: { first: number; rows: number }): Promise<NpyArray> {
  return withFile(file, async (handle) => {
    const layout = await readLayout(handle, file)
    const [count = 0] = layout.shape
    const { first, rows } = range
    if (
      !Number.isInteger(first) ||
      !Number.isInteger(rows) ||
      first < 0 ||
      rows < 0 ||
      first + rows > count
    ) {
      throw invalidShape(`${file} has ${count} rows; rows ${first} to ${first + rows} are not all there`)
    }
    return readRange(handle, { file, layout, ...range })
  })
}

/** Writes an array, complete or not at all: beside, synced, renamed. */
export async function writeNpy(file: string, { dtype, shape, data }: NpyArray): Promise<void> {
  if (!(data instanceof types[dtype].array) || data.length !== elementsOf(shape)) {
    throw invalidShape(
      `${file}: ${data.length} elements do not make a ${dtype} array of [${shape.join(', ')}]`,
    )
  }
  const beside = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(beside, 'wx')
    try {
      await handle.writeFile(encodeNpyHeader({ dtype, shape }))
      await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw invalidFile(file, `cannot be written: ${messageOf(error)}`, error)
  }
}

async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file).catch((error: unknown) => {
    throw invalidFile(file, `cannot be opened: ${messageOf(error)}`, error)
  })
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

async function readLayout(handle: FileHandle, file: string): Promise<Layout> {
  const start = Buffer.alloc(MAGIC.length + 6)
  await handle.read(start, 0, start.length, 0)
  const version = start[MAGIC.length]
  if (!start.subarray(0, MAGIC.length).equals(MAGIC) || (version !== 1 && version !== 2)) {
    throw invalidFile(file, 'is no .npy file of version 1 or 2')
  }
  const lengthAt = MAGIC.length + 2
  const textAt = lengthAt + (version === 1 ? 2 : 4)
  const length = version === 1 ? start.readUInt16LE(lengthAt) : start.readUInt32LE(lengthAt)
  if (length > MAX_HEADER_BYTES) throw invalidFile(file, `has a header of ${length} bytes`)
  const text = Buffer.alloc(length)
  const { bytesRead } = await handle.read(text, 0, length, textAt)
  if (bytesRead < length) throw invalidFile(file, 'ends within its header')
  const layout = { ...parseHeader(text.toString('latin1'), file), dataAt: textAt + length }
  await checkSize(handle, { file, layout })
  return layout
}

/** Before anything is allocated on the word of a header, the file must be as long as it says. */
async function checkSize(
  handle: FileHandle,
  { file, layout }: { file: string; layout: Layout },
): Promise<void> {
  const { dtype, shape, dataAt } = layout
  const { size } = await handle.stat()
  const missing = dataAt + elementsOf(shape) * types[dtype].array.BYTES_PER_ELEMENT - size
  if (missing > 0)
    throw invalidFile(file, `is cut short: ${missing} bytes of [${shape.join(', ')}] ${dtype} are missing`)
}

function parseHeader(text: string, file: string): NpyHeader {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1]
  const tuple = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1]
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw invalidFile(file, 'has a header without descr, fortran_order or shape')
  }
  const names = Object.keys(types) as NpyType[]
  const dtype = names.find((name) => types[name].descr === descr)
  if (!dtype) throw invalidFile(file, `holds elements of type '${descr}'; ${names.join(', ')} can be read`)
  const shape = tuple
    .split(',')
    .map((size) => size.trim())
    .filter(Boolean)
    .map(Number)
  if (order === 'True' && shape.length > 1) {
    throw invalidFile(file, 'is in Fortran order; save it with numpy.ascontiguousarray')
  }
  return { dtype, shape }
}

async function readRange(
  handle: FileHandle,
  { file, layout, first, rows }: { file: string; layout: Layout; first: number; rows: number },
): Promise<NpyArray> {
  const { dtype, shape, dataAt } = layout
  const isScalar = shape.length === 0
  const wanted = isScalar ? [] : [rows, ...shape.slice(1)]
  const rowElements = elementsOf(shape.slice(1))
  const data = new types[dtype].array(elementsOf(wanted))
  const bytes = new Uint8Array(data.buffer)
  const at = dataAt + first * rowElements * data.BYTES_PER_ELEMENT
  let have = 0
  while (have < bytes.length) {
    const { bytesRead } = await handle.read(bytes, have, Math.min(bytes.length - have, 2 ** 30), at + have)
    if (bytesRead === 0) {
      throw invalidFile(
        file,
        `is cut short: ${bytes.length - have} bytes of [${shape.join(', ')}] ${dtype} are missing`,
      )
    }
    have += bytesRead
  }
  return { dtype, shape: wanted, data }
}
