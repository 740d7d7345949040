/** Batches from `.npy` shards, in random order and in bounded memory: only a window of shards is held at a time. */
import { invalidShape, misuse } from '../errors.js'
import { readNpy } from '../npy.js'
import { createRandom, permutation, type Random } from './random.js'
import type { Batch } from './batch.js'

/** One pair of files with as many rows. */
export interface ShardFiles {
  /** `u1` or `f4`, `[rows, …]`. */
  readonly data: string
  /** `u1`, `i4` or `i8`, `[rows]`. */
  readonly labels: string
}

/** Options of {@link streamBatches}. */
export interface StreamOptions {
  readonly batch: number
  readonly epochs: number
  readonly seed: number
  /** Shards that are mixed with each other, and so held at once; default 2. */
  readonly window?: number
  /** Batches to pass over, to go on where a run was interrupted. */
  readonly skip?: number
}

/** Rows in memory. */
interface Rows {
  readonly data: Uint8Array | Float32Array
  readonly labels: Float64Array
  readonly width: number
}

/**
 * Streams full batches: shards in random order, `window` of them at a time, their rows in random order. Rows that fill no
 * batch go on into the next window, and are left out at the end of an epoch. The same seed gives the same batches.
 */
export async function* streamBatches(
  shards: readonly ShardFiles[],
  options: StreamOptions,
): AsyncGenerator<Batch> {
  const { batch, epochs, seed, window = 2 } = options
  for (const [name, value] of Object.entries({ batch, epochs, window })) {
    if (!Number.isInteger(value) || value < 1)
      throw misuse(`${name} must be a whole number from 1, not ${value}`)
  }
  let toSkip = options.skip ?? 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    let batches = 0
    for await (const rows of epochBatches(shards, { batch, window, random: createRandom(seed, epoch) })) {
      batches++
      if (toSkip > 0) toSkip--
      else yield rows()
    }
    if (batches === 0)
      throw invalidShape(`${shards.length} shards have not enough rows for one batch of ${batch}`)
  }
}

/** The batches of one epoch, each as a function that picks its rows: those that are passed over are never made. */
async function* epochBatches(
  shards: readonly ShardFiles[],
  { batch, window, random }: { batch: number; window: number; random: Random },
): AsyncGenerator<() => Batch> {
  const order = permutation(shards.length, random)
  let rest: Rows | undefined
  for (let first = 0; first < order.length; first += window) {
    const rows: Rows[] = rest ? [rest] : []
    for (const at of order.subarray(first, first + window)) {
      const shard = shards[at]
      if (shard) rows.push(await readRows(shard))
    }
    const all = concatRows(rows)
    const mixed = permutation(all.labels.length, random)
    let at = 0
    for (; at + batch <= mixed.length; at += batch) {
      const picked = mixed.subarray(at, at + batch)
      yield () => pickRows(all, picked)
    }
    rest = pickRows(all, mixed.subarray(at))
  }
}

async function readRows({ data: file, labels: labelFile }: ShardFiles): Promise<Rows> {
  const [{ data, shape }, { data: labels }] = await Promise.all([readNpy(file), readNpy(labelFile)])
  if (!(data instanceof Uint8Array || data instanceof Float32Array)) {
    throw invalidShape(`${file} must hold bytes or 32-bit floats`)
  }
  if (shape[0] !== labels.length) {
    throw invalidShape(`${file} has ${shape[0] ?? 0} rows, ${labelFile} ${labels.length} labels`)
  }
  return {
    data,
    labels: Float64Array.from(labels as ArrayLike<number | bigint>, Number),
    width: shape.slice(1).reduce((product, size) => product * size, 1),
  }
}

function concatRows(parts: readonly Rows[]): Rows {
  const [first] = parts
  if (!first) return { data: new Uint8Array(), labels: new Float64Array(), width: 0 }
  if (parts.length === 1) return first
  const rows = parts.reduce((sum, { labels }) => sum + labels.length, 0)
  const Type = first.data instanceof Uint8Array ? Uint8Array : Float32Array
  const all = { data: new Type(rows * first.width), labels: new Float64Array(rows), width: first.width }
  let at = 0
  for (const part of parts) {
    if (part.width !== first.width)
      throw invalidShape(`one shard has rows of ${part.width} elements, another of ${first.width}`)
    all.data.set(part.data, at * first.width)
    all.labels.set(part.labels, at)
    at += part.labels.length
  }
  return all
}

function pickRows({ data, labels, width }: Rows, rows: Uint32Array): Rows {
  const Type = data instanceof Uint8Array ? Uint8Array : Float32Array
  const picked = new Type(rows.length * width)
  rows.forEach((row, at) => picked.set(data.subarray(row * width, (row + 1) * width), at * width))
  return { data: picked, labels: Float64Array.from(rows, (row) => labels[row] ?? 0), width }
}

/** Options of {@link shiftImages}. */
export interface ShiftOptions {
  /** `[channels, height, width]` of one image. */
  readonly shape: readonly [number, number, number]
  /** Each image moves by a random whole number of pixels from −`by` to `by` in both directions; zeros come in. */
  readonly by: number
  readonly seed: number
  /** Number of the first batch, to go on where a run was interrupted. */
  readonly skip?: number
}

/** Moves each image of each batch at random, the same way for the same seed and number of the batch. */
export async function* shiftImages(
  batches: AsyncIterable<Batch>,
  options: ShiftOptions,
): AsyncGenerator<Batch> {
  const { shape, by, seed } = options
  let number = options.skip ?? 0
  for await (const { data, labels } of batches) {
    const random = createRandom(seed, number++, 1)
    const moved = new (data instanceof Uint8Array ? Uint8Array : Float32Array)(data.length)
    const size = shape[0] * shape[1] * shape[2]
    for (let at = 0; at + size <= data.length; at += size) {
      const offset = { x: random.below(2 * by + 1) - by, y: random.below(2 * by + 1) - by }
      shiftOne(data.subarray(at, at + size), moved.subarray(at, at + size), { shape, offset })
    }
    yield { data: moved, labels }
  }
}

function shiftOne(
  from: Uint8Array | Float32Array,
  to: Uint8Array | Float32Array,
  { shape, offset }: { shape: ShiftOptions['shape']; offset: { x: number; y: number } },
): void {
  const [channels, height, width] = shape
  const [left, right] = [Math.max(0, -offset.x), Math.min(width, width - offset.x)]
  for (let row = 0; row < channels * height; row++) {
    const y = (row % height) + offset.y
    if (y < 0 || y >= height) continue
    to.set(from.subarray(row * width + left, row * width + right), (row + offset.y) * width + left + offset.x)
  }
}
