/** Step 0: the real images, split, repeated, and joined by new ones. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NEW_ID, openDataset, readShards, rowsOf, type ShardData, type Split } from '../dataset.js'
import { readMnist } from '../idx.js'
import data from '../steps/data.js'
import { createBench, example, few, type Bench, type StepResult } from './run-step.js'

let bench: Bench
let made: StepResult
beforeAll(async () => {
  bench = await createBench()
  made = await bench.run(data, { params: few })
})
afterAll(() => bench.remove())

const datasetOf = ({ outputs }: StepResult) => openDataset(outputs['dataset'] ?? '')
async function shardsOf(result: StepResult, split: Split): Promise<ShardData[]> {
  const shards: ShardData[] = []
  for await (const shard of readShards((await datasetOf(result)).splits[split])) shards.push(shard)
  return shards
}
const idsOf = async (result: StepResult, split: Split) =>
  (await shardsOf(result, split)).flatMap(({ ids }) => [...ids])

test('each split has its rows, in shards of at most so many', async () => {
  const { splits } = await datasetOf(made)
  expect(splits.train.map(({ rows }) => rows)).toEqual([200, 100])
  expect([splits.index, splits.validation, splits.test].map(rowsOf)).toEqual([100, 60, 60])
  expect(made.report).toMatchObject({ train: 300, index: 100, validation: 60, test: 60, new: 0 })
})

test('no image of the 60,000 is in two splits, and the test images are MNIST’s own', async () => {
  const ids = await Promise.all(
    (['train', 'index', 'validation'] as const).map((split) => idsOf(made, split)),
  )
  expect(new Set(ids.flat()).size).toBe(460)
  expect(await idsOf(made, 'test')).toEqual(Array.from({ length: 60 }, (_, row) => row))
})

test('a row is the image and the label that its id names', async () => {
  const known = await readMnist('train')
  const [shard] = await shardsOf(made, 'index')
  const id = shard?.ids[7] ?? -1
  expect(shard?.labels[7]).toBe(known.labels[id])
  expect(shard?.images.slice(7 * 784, 8 * 784)).toEqual(
    new Uint8Array(known.images.slice(id * 784, (id + 1) * 784)),
  )
})

test('the hash names the data: the same again, another for another seed', async () => {
  const again = await bench.run(data, { params: few })
  expect(again.report['hash']).toBe(made.report['hash'])
  const other = await bench.run(data, { params: { ...few, seed: 2 } })
  expect(other.report['hash']).not.toBe(made.report['hash'])
  expect((await datasetOf(made)).hash).toBe(made.report['hash'])
})

test('repeated, the training images come again, moved; all else stays as it was', async () => {
  const repeated = await bench.run(data, { params: { ...few, repeat: 3 } })
  expect(await idsOf(repeated, 'index')).toEqual(await idsOf(made, 'index'))
  const once = await idsOf(made, 'train')
  expect(await idsOf(repeated, 'train')).toEqual([...once, ...once, ...once])
  const images = Buffer.concat((await shardsOf(repeated, 'train')).map((shard) => shard.images))
  const row = (at: number) => images.subarray(at * 784, (at + 1) * 784)
  expect(row(300).subarray(0, 783)).toEqual(row(0).subarray(1))
  expect(row(600).subarray(1)).toEqual(row(0).subarray(0, 783))
})

describe('a folder of new labelled images', () => {
  test('joins training and index, with ids of their own', async () => {
    const folder = join(bench.folder, 'new')
    await mkdir(join(folder, '7'), { recursive: true })
    await mkdir(join(folder, '3'), { recursive: true })
    await copyFile(join(example, 'samples/7-photo.jpg'), join(folder, '7/mine.jpg'))
    await copyFile(join(example, 'samples/3.png'), join(folder, '3/other.png'))
    const result = await bench.run(data, { inputs: { newImages: folder }, params: few })
    expect(result.report).toMatchObject({ train: 302, index: 102, validation: 60, test: 60, new: 2 })
    for (const split of ['train', 'index'] as const) {
      const last = (await shardsOf(result, split)).at(-1)
      expect([...(last?.labels.slice(-2) ?? [])]).toEqual([3, 7])
      expect([...(last?.ids.slice(-2) ?? [])]).toEqual([NEW_ID, NEW_ID + 1])
    }
    expect(result.report['hash']).not.toBe(made.report['hash'])
  })

  test('with a file that is no image stops, and names it', async () => {
    const folder = join(bench.folder, 'bad')
    await mkdir(join(folder, '7'), { recursive: true })
    await writeFile(join(folder, '7/seven.png'), 'seven')
    await expect(bench.run(data, { inputs: { newImages: folder }, params: few })).rejects.toThrow(
      /bad\/7\/seven\.png: The body is not an image/,
    )
  })
})
