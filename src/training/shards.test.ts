/** Batches from shards: each row once an epoch, in an order that the seed decides, with few shards in memory. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shiftImages, streamBatches, writeNpy, type Batch, type ShardFiles } from './index.js'

const ROWS = [7, 4, 9, 5, 6]
const BATCH = 4
const folder = mkdtempSync(join(tmpdir(), 'marina-shards-'))
const shards: ShardFiles[] = ROWS.map((_, at) => ({
  data: join(folder, `data${at}.npy`),
  labels: join(folder, `labels${at}.npy`),
}))
/** Each row holds its own number, twice; its label is that number modulo 10. */
const numbers = ROWS.map((rows, shard) => {
  const first = ROWS.slice(0, shard).reduce((sum, count) => sum + count, 0)
  return Uint8Array.from({ length: rows }, (_, row) => first + row)
})

beforeAll(async () => {
  for (const [at, { data, labels }] of shards.entries()) {
    const own = numbers[at] ?? new Uint8Array()
    const doubled = Uint8Array.from({ length: 2 * own.length }, (_, i) => own[i >> 1] ?? 0)
    await writeNpy(data, { dtype: 'u1', shape: [own.length, 2], data: doubled })
    const digits = BigInt64Array.from(own, (number) => BigInt(number % 10))
    await writeNpy(labels, { dtype: 'i8', shape: [own.length], data: digits })
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

const rowsOf = (batches: readonly Batch[]) =>
  batches.flatMap(({ data }) => Array.from({ length: data.length / 2 }, (_, row) => data[2 * row] ?? -1))

const stream = (options: { seed?: number; epochs?: number; skip?: number; window?: number } = {}) =>
  collect(streamBatches(shards, { batch: BATCH, epochs: 1, seed: 1, ...options }))

test('an epoch holds each row at most once, all but what fills no batch, and rows keep their labels', async () => {
  const batches = await stream()
  const rows = rowsOf(batches)
  const all = ROWS.reduce((sum, count) => sum + count, 0)
  expect(batches.every(({ data, labels }) => data.length === 2 * BATCH && labels.length === BATCH)).toBe(true)
  expect(rows.length).toBe(all - (all % BATCH))
  expect(new Set(rows).size).toBe(rows.length)
  expect(batches.flatMap(({ labels }) => Array.from(labels))).toEqual(rows.map((row) => row % 10))
})

test('the same seed gives the same order, another seed or epoch another', async () => {
  expect(await stream()).toEqual(await stream())
  expect(rowsOf(await stream({ seed: 2 }))).not.toEqual(rowsOf(await stream()))
  const two = rowsOf(await stream({ epochs: 2 }))
  const half = two.length / 2
  expect(two.slice(0, half)).toEqual(rowsOf(await stream()))
  expect(two.slice(half)).not.toEqual(two.slice(0, half))
})

test('shards of one window are mixed with each other', async () => {
  const [first] = await stream({ window: 5 })
  const shardOf = (row: number) => numbers.findIndex((own) => own.includes(row))
  expect(new Set(rowsOf(first ? [first] : []).map(shardOf)).size).toBeGreaterThan(1)
})

test('what was run before is passed over, across the end of an epoch too', async () => {
  const all = await stream({ epochs: 2 })
  for (const skip of [1, 7, 8, all.length]) expect(await stream({ epochs: 2, skip })).toEqual(all.slice(skip))
})

test('only a window of shards is read ahead: the rest may come into being later', async () => {
  // A hundred shards are announced and two are there: the first two of this seed's order, found by which are asked for.
  const announced = Array.from({ length: 100 }, (_, at): ShardFiles => {
    return { data: join(folder, `late-data${at}.npy`), labels: join(folder, `late-labels${at}.npy`) }
  })
  const batches = streamBatches(announced, { batch: 2, epochs: 1, seed: 5, window: 2 })
  const makeMissing = async (message: string) => {
    const at = Number(/late-(?:data|labels)(\d+)/.exec(message)?.[1])
    const { data = '', labels = '' } = announced[at] ?? {}
    await writeNpy(data, { dtype: 'u1', shape: [3, 2], data: new Uint8Array(6) })
    await writeNpy(labels, { dtype: 'u1', shape: [3], data: new Uint8Array(3) })
  }
  let next = await batches.next().catch((error: unknown) => error)
  let tries = 0
  while (next instanceof Error && tries++ < 2) {
    await makeMissing(next.message)
    const again = streamBatches(announced, { batch: 2, epochs: 1, seed: 5, window: 2 })
    next = await again.next().catch((error: unknown) => error)
  }
  expect(next).toMatchObject({ done: false })
  expect(announced.filter(({ data }) => existsSync(data)).length).toBe(2)
})

test('files that do not fit are refused by name', async () => {
  const [first, second] = shards
  if (!first || !second) throw new Error('no shards')
  const mixed = collect(
    streamBatches([{ data: first.data, labels: second.labels }], { batch: 2, epochs: 1, seed: 1 }),
  )
  await expect(mixed).rejects.toThrow(/data0\.npy has 7 rows, .*labels1\.npy 4 labels/)
  const integers = collect(
    streamBatches([{ data: first.labels, labels: first.labels }], { batch: 2, epochs: 1, seed: 1 }),
  )
  await expect(integers).rejects.toThrow(/must hold bytes or 32-bit floats/)
})

test('fewer rows than one batch, and sizes that are none, are errors instead of an empty run', async () => {
  const options = { batch: 100, epochs: 1, seed: 1 }
  await expect(collect(streamBatches(shards, options))).rejects.toThrow(
    /not have enough rows|not enough rows/,
  )
  for (const wrong of [{ batch: 0 }, { epochs: 0.5 }, { window: 0 }]) {
    const batches = collect(streamBatches(shards, { ...options, ...wrong }))
    await expect(batches).rejects.toMatchObject({ code: 'misuse' })
  }
})

test('shifted images move as wholes, zeros come in, and the number of the batch decides how far', async () => {
  const image = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)
  const batches = Array.from({ length: 20 }, () => ({ data: image, labels: [0] }))
  const shift = (skip = 0) =>
    collect(
      shiftImages(
        (async function* () {
          await Promise.resolve()
          yield* batches.slice(skip)
        })(),
        { shape: [1, 3, 3], by: 1, seed: 3, skip },
      ),
    )
  const moved = await shift()
  const places = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => shifted(image, x, y).join()))
  const seen = new Set(moved.map(({ data }) => data.join()))
  expect(seen.size).toBeGreaterThan(5)
  for (const text of seen) expect(places).toContain(text)
  expect(await shift(8)).toEqual(moved.slice(8))
})

function shifted(image: Uint8Array, x: number, y: number): number[] {
  return Array.from(image, (_, at) => {
    const [row, column] = [Math.floor(at / 3) + y, (at % 3) + x]
    return row >= 0 && row < 3 && column >= 0 && column < 3 ? (image[row * 3 + column] ?? 0) : 0
  })
}
