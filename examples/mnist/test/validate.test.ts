/** Step 1: each check stops the run, and says which file and row. */
import { cp, mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readNpy, writeNpy } from 'marina/training'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import data from '../steps/data.js'
import validate from '../steps/validate.js'
import { createBench, few, type Bench } from './run-step.js'

const minRows = { train: 100, index: 50, validation: 50, test: 50 }
// Among the first sixty test images there is no 8.
const params = { minRows, minBalance: 0 }
let bench: Bench
let good = ''
beforeAll(async () => {
  bench = await createBench()
  good = (await bench.run(data, { params: few })).outputs['dataset'] ?? ''
})
afterAll(() => bench.remove())

/** A copy of the data set, of whose file `change` is made another. */
async function damaged(file: string, change: (bytes: Uint8Array) => void): Promise<string> {
  const folder = await mkdtemp(join(bench.folder, 'damaged-'))
  await cp(good, folder, { recursive: true })
  const array = await readNpy(join(folder, file))
  if (!(array.data instanceof Uint8Array)) throw new Error('not bytes')
  change(array.data)
  await writeNpy(join(folder, file), { dtype: 'u1', shape: [...array.shape], data: array.data })
  return folder
}
const rowOf = (bytes: Uint8Array, row: number) => bytes.subarray(row * 784, (row + 1) * 784)
const judge = (dataset: string, more = {}) =>
  bench.run(validate, { inputs: { dataset }, params: { ...params, ...more } })

test('good data passes, with a report of its counts', async () => {
  const { outputs, report } = await judge(good)
  expect(report).toEqual({ ok: true, images: 520 })
  const written = JSON.parse(await readFile(outputs['report'] ?? '', 'utf8')) as {
    counts: Record<string, number[]>
  }
  expect(written).toMatchObject({
    ok: true,
    findings: [],
    hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  })
  expect(written.counts['train']?.reduce((sum, count) => sum + count, 0)).toBe(300)
})

describe('stops at', () => {
  test('a label that is none', async () => {
    const dataset = await damaged('train/labels-001.npy', (labels) => (labels[42] = 11))
    await expect(judge(dataset)).rejects.toThrow(
      'label: train/labels-001.npy row 42: the label is 11; labels are 0 to 9 (1 in all)',
    )
  })

  test('a blank image', async () => {
    const dataset = await damaged('validation/images-000.npy', (images) => rowOf(images, 5).fill(63))
    await expect(judge(dataset)).rejects.toThrow(
      'range: validation/images-000.npy row 5: the image is blank: no pixel is above 63',
    )
  })

  test('an image that was trained with and is judged with', async () => {
    const train = await readNpy(join(good, 'train/images-000.npy'))
    const dataset = await damaged('test/images-000.npy', (images) =>
      rowOf(images, 9).set(rowOf(train.data as Uint8Array, 3)),
    )
    await expect(judge(dataset)).rejects.toThrow(
      'duplicate: train/images-000.npy row 3: the same image is at test/images-000.npy row 9',
    )
  })

  test('images of another type or shape', async () => {
    const folder = await damaged('index/images-000.npy', () => undefined)
    const file = join(folder, 'index/images-000.npy')
    await writeNpy(file, { dtype: 'f4', shape: [100, 28, 28], data: new Float32Array(100 * 784) })
    await expect(judge(folder)).rejects.toThrow('type: index/images-000.npy: is f4, not u1')
    await writeNpy(file, { dtype: 'u1', shape: [100, 784], data: new Uint8Array(100 * 784) })
    await expect(judge(folder)).rejects.toThrow(
      'shape: index/images-000.npy: is [100, 784], not [100, 28, 28]',
    )
  })

  test('too few rows', async () => {
    await expect(judge(good, { minRows: { ...minRows, test: 61 } })).rejects.toThrow(
      'count: test: 60 rows, fewer than 61',
    )
  })

  test('a class that is rare', async () => {
    await expect(judge(good, { minBalance: 0.1 })).rejects.toThrow('balance: test: class 8 has 0 of 60 rows')
  })
})

test('all findings are in the log, since the report of a failed step is not kept', async () => {
  const dataset = await damaged('train/labels-000.npy', (labels) => labels.fill(12, 0, 3))
  const log: string[] = []
  await expect(bench.run(validate, { inputs: { dataset }, params, log })).rejects.toThrow('(3 in all)')
  expect(log.map((line) => line.slice(0, 34))).toEqual([
    'label: train/labels-000.npy row 0:',
    'label: train/labels-000.npy row 1:',
    'label: train/labels-000.npy row 2:',
  ])
})
