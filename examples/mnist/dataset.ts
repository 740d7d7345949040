/** The data set as files: `.npy` shards for each split, and `dataset.json` that says what they hold. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readNpy } from 'marina/training'

/** The four parts that the data is split into; recipe and thresholds are chosen on `validation`, judged on `test`. */
export const splits = ['train', 'index', 'validation', 'test'] as const

/** Name of a split. */
export type Split = (typeof splits)[number]

/** One shard: three files of the same number of rows. */
export interface Shard {
  readonly rows: number
  /** `u1 [rows, 28, 28]`, light ink on dark ground. */
  readonly images: string
  /** `u1 [rows]`, 0–9. */
  readonly labels: string
  /** `i4 [rows]`: row in MNIST's training file, or in its test file for `test`; from {@link NEW_ID} on: new images. */
  readonly ids: string
}

/** Ids of images that are not MNIST's start here. */
export const NEW_ID = 1_000_000

/** `dataset.json`. */
export interface DatasetInfo {
  readonly splits: Readonly<Record<Split, readonly Shard[]>>
  /** SHA-256 over all shards, in order: the name of this data. */
  readonly hash: string
  readonly source: string
}

/** The rows of one shard, in memory. */
export interface ShardData {
  readonly rows: number
  readonly images: Uint8Array
  readonly labels: Uint8Array
  readonly ids: Int32Array
}

/** Reads `dataset.json`; file names become absolute. */
export async function openDataset(folder: string): Promise<DatasetInfo> {
  const info = JSON.parse(await readFile(join(folder, 'dataset.json'), 'utf8')) as DatasetInfo
  const absolute = (shard: Shard): Shard => ({
    rows: shard.rows,
    images: join(folder, shard.images),
    labels: join(folder, shard.labels),
    ids: join(folder, shard.ids),
  })
  const resolved = splits.map((split) => [split, info.splits[split].map(absolute)] as const)
  return { ...info, splits: Object.fromEntries(resolved) as Record<Split, Shard[]> }
}

/** Reads one shard after the other, so that memory holds one. */
export async function* readShards(shards: readonly Shard[]): AsyncGenerator<ShardData> {
  for (const shard of shards) yield await readShard(shard)
}

async function readShard(shard: Shard): Promise<ShardData> {
  const [images, labels, ids] = await Promise.all(
    [shard.images, shard.labels, shard.ids].map((file) => readNpy(file)),
  )
  if (!(images?.data instanceof Uint8Array)) throw new Error(`${shard.images} holds no bytes`)
  if (!(labels?.data instanceof Uint8Array)) throw new Error(`${shard.labels} holds no bytes`)
  if (!(ids?.data instanceof Int32Array)) throw new Error(`${shard.ids} holds no 32-bit integers`)
  return { rows: shard.rows, images: images.data, labels: labels.data, ids: ids.data }
}

/** Rows of a split. */
export const rowsOf = (shards: readonly Shard[]): number => shards.reduce((sum, shard) => sum + shard.rows, 0)
