/** Steps 2 to 6 on little data, and the archive that comes out behind a real server: figures by brute force, answers by HTTP. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deployArchive } from 'marina/deploy'
import { readNpy } from 'marina/training'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDataset, readShards, type Split } from '../dataset.js'
import type { Analysis } from '../report/analysis.js'
import analyse from '../steps/analyse.js'
import archive from '../steps/archive.js'
import data from '../steps/data.js'
import embed from '../steps/embed.js'
import index from '../steps/index.js'
import train from '../steps/train.js'
import { createBench, example, type Bench, type StepResult } from './run-step.js'
import { startTestServer, type TestServer } from './test-server.js'

let bench: Bench
let server: TestServer
let inputs: Record<'dataset' | 'model' | 'embeddings' | 'index' | 'analysis', string>
let analysis: Analysis
let packed: StepResult
let pid = 0

beforeAll(async () => {
  bench = await createBench()
  const starting = startTestServer(join(bench.folder, 'state'))
  const out = async (run: Promise<StepResult>, name: string) => (await run).outputs[name] ?? ''
  const rows = { train: 3_000, index: 300, validation: 200, test: 200 }
  const dataset = await out(bench.run(data, { params: { rows } }), 'dataset')
  const model = await out(
    bench.run(train, { inputs: { dataset }, params: { epochs: 1, warmup: 4 } }),
    'model',
  )
  const embeddings = await out(
    bench.run(embed, { inputs: { dataset, model }, params: { foreign: 50 } }),
    'embeddings',
  )
  // All images are kept, so that brute force knows what the index holds.
  const indexed = await out(
    bench.run(index, { inputs: { dataset, model, embeddings }, params: { edit: 0 } }),
    'index',
  )
  const before = { dataset, model, embeddings, index: indexed }
  const judged = await out(bench.run(analyse, { inputs: before }), 'analysis')
  inputs = { ...before, analysis: judged }
  analysis = JSON.parse(await readFile(judged, 'utf8')) as Analysis
  packed = await pack()
  server = await starting
  const { file } = JSON.parse(await readFile(packed.outputs['archive'] ?? '', 'utf8')) as { file: string }
  await deployArchive({ archive: file, management: server.management, inference: server.inference })
  const response = await fetch(`${server.management}/models/embedding`)
  const [version] = (await response.json()) as [{ workers: [{ pid: number }] }]
  pid = version.workers[0].pid
})
afterAll(async () => {
  await server.stop()
  await bench.remove()
})

const pack = (params = {}) =>
  bench.run(archive, { inputs, params: { store: join(bench.folder, 'store'), ...params } })

async function labelsOf(split: Split): Promise<number[]> {
  const labels: number[] = []
  for await (const shard of readShards((await openDataset(inputs.dataset)).splits[split]))
    labels.push(...shard.labels)
  return labels
}
async function vectorsOf(name: string): Promise<Float32Array[]> {
  const array = await readNpy(join(inputs.embeddings, `${name}.npy`))
  const whole = array.data as Float32Array
  const [rows = 0, dimension = 0] = array.shape
  return Array.from({ length: rows }, (_, row) => whole.subarray(row * dimension, (row + 1) * dimension))
}

/** What three nearest neighbours by plain loops say of each embedding. */
async function bruteForce(name: string): Promise<{ pred: number; dist: number }[]> {
  const [queries, indexed, labels] = await Promise.all([
    vectorsOf(name),
    vectorsOf('index'),
    labelsOf('index'),
  ])
  return queries.map((query) => {
    const near = indexed
      .map((vector, row) => ({
        label: labels[row] ?? -1,
        dist: vector.reduce((sum, value, at) => sum + (value - (query[at] ?? 0)) ** 2, 0),
      }))
      .sort((a, b) => a.dist - b.dist)
      .slice(0, 3)
    const twice = near.find(({ label }, at) => near.findIndex((other) => other.label === label) !== at)
    return { pred: twice?.label ?? near[0]?.label ?? -1, dist: near[0]?.dist ?? 0 }
  })
}

describe('the analysis', () => {
  test('counts as brute force does: accuracy, precision and recall of each class, histograms', async () => {
    const [answers, labels] = await Promise.all([bruteForce('test'), labelsOf('test')])
    const right = answers.filter(({ pred }, row) => pred === labels[row]).length
    expect(analysis).toMatchObject({ images: 200, correct: right, accuracy: right / 200 })
    for (const { label, count, precision, recall } of analysis.classes) {
      const digit = Number(label)
      const hits = answers.filter(({ pred }, row) => pred === digit && labels[row] === digit).length
      const there = labels.filter((other) => other === digit).length
      const said = answers.filter(({ pred }) => pred === digit).length
      expect([label, count, recall]).toEqual([label, there, there > 0 ? hits / there : 1])
      expect([label, precision]).toEqual([label, said > 0 ? hits / said : 1])
    }
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
    const { histograms } = analysis
    expect([histograms.right, histograms.wrong, histograms.foreign].map(sum)).toEqual([
      right,
      200 - right,
      50,
    ])
  })

  test('takes its threshold from the validation images: all but 1 % of right answers are nearer', async () => {
    const [answers, labels] = await Promise.all([bruteForce('validation'), labelsOf('validation')])
    const right = answers.filter(({ pred }, row) => pred === labels[row]).map(({ dist }) => dist)
    right.sort((a, b) => a - b)
    expect(analysis.threshold.distance).toBeCloseTo(right[Math.ceil(right.length * 0.99) - 1] ?? 0, 4)
  })
})

test('the index leaves out the images that most of their own seven neighbours contradict', async () => {
  const { outputs, report } = await bench.run(index, { inputs })
  const [vectors, labels] = await Promise.all([vectorsOf('index'), labelsOf('index')])
  const contradicted = vectors.flatMap((vector, row) => {
    const near = vectors
      .map((other, at) => ({
        at,
        dist: other.reduce((sum, value, i) => sum + (value - (vector[i] ?? 0)) ** 2, 0),
      }))
      .filter(({ at }) => at !== row)
      .sort((a, b) => a.dist - b.dist)
      .slice(0, 7)
      .map(({ at }) => labels[at])
    const count = (label: number | undefined) => near.filter((other) => other === label).length
    const most = Math.max(...near.map(count))
    // Of equally many, the nearest counts.
    return near.find((label) => count(label) === most) === labels[row] ? [] : [row]
  })
  expect(report).toMatchObject({ vectors: 300 - contradicted.length, 'left out': contradicted.length })
  expect((await readNpy(join(outputs['index'] ?? '', 'thumbnails.npy'))).shape[0]).toBe(
    300 - contradicted.length,
  )
})

describe('the archive', () => {
  test('is not made again when it would hold the same; else it takes the next free version', async () => {
    expect(packed.report).toMatchObject({ archive: 'embedding-1.0.mar', version: '1.0' })
    expect((await pack()).report).toEqual({ archive: 'embedding-1.0.mar', version: '1.0' })
    expect((await pack({ k: 5 })).report).toMatchObject({ archive: 'embedding-2.0.mar', version: '2.0' })
    expect((await pack()).report).toMatchObject({ version: '1.0' })
  })
})

const sample = (name: string) => readFile(join(example, 'samples', name))
async function ask(body: Uint8Array | string, type: string, operation = 'predictions') {
  const response = await fetch(`${server.inference}/${operation}/embedding`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : Uint8Array.from(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const answer = {
  pred: expect.any(Number) as number,
  dist: expect.any(Number) as number,
  known: expect.any(Boolean) as boolean,
}

describe('the handler, asked over HTTP, answers { dist, pred, known }', () => {
  test('to a 28×28 PNG, and to its 784 raw bytes just the same', async () => {
    const png = await sample('7.png')
    const first = await ask(png, 'image/png')
    expect(first).toEqual({ status: 200, body: answer })
    const raw = await sharp(png).greyscale().toColourspace('b-w').raw().toBuffer()
    expect(raw).toHaveLength(784)
    expect(await ask(raw, 'application/octet-stream')).toEqual(first)
  })

  test('to a large drawing and to a JPEG', async () => {
    expect(await ask(await sample('scribble.png'), 'image/png')).toEqual({ status: 200, body: answer })
    expect(await ask(await sample('7-photo.jpg'), 'image/jpeg')).toEqual({ status: 200, body: answer })
  })

  test('to an explanation also with its neighbours: ids, labels, distances, pictures', async () => {
    const { status, body } = await ask(await sample('7.png'), 'image/png', 'explanations')
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...answer, k: 3, threshold: analysis.threshold.distance })
    const neighbours = body['neighbours'] as { id: number; label: string; dist: number; image: string }[]
    expect(neighbours).toHaveLength(3)
    expect(neighbours[0]?.dist).toBe(body['dist'])
    const shards: { ids: Int32Array; images: Uint8Array }[] = []
    for await (const shard of readShards((await openDataset(inputs.dataset)).splits.index)) shards.push(shard)
    for (const { id, image, label } of neighbours) {
      const row = shards[0]?.ids.indexOf(id) ?? -1
      expect((await labelsOf('index'))[row]).toBe(Number(label))
      const png = Buffer.from(image.replace(/^data:image\/png;base64,/, ''), 'base64')
      const pixels = await sharp(png).greyscale().toColourspace('b-w').raw().toBuffer()
      expect([...pixels]).toEqual([...(shards[0]?.images.subarray(row * 784, (row + 1) * 784) ?? [])])
    }
  })
})

describe('what is no picture of a digit is answered by 400 and the cause', () => {
  test.each([
    [
      'a truncated PNG',
      async () => (await sample('scribble.png')).subarray(0, 900),
      'image/png',
      /not an image that can be read/,
    ],
    ['text', () => Promise.resolve('seven'), 'text/plain', /not an image that can be read/],
    ['nothing', () => Promise.resolve(''), 'image/png', /holds no image/],
  ])('%s', async (_, body, type, cause) => {
    const { status, body: answered } = await ask(await body(), type)
    expect([status, answered['code']]).toEqual([400, 400])
    expect(answered['message']).toMatch(cause)
  })

  test('a PNG of 10,000×10,000, before any pixel is decoded: the worker takes no memory for them', async () => {
    const huge = sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'black' } })
    const png = await huge.png({ compressionLevel: 1 }).toBuffer()
    const peakMB = () =>
      Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
    const before = peakMB()
    const { status, body } = await ask(png, 'image/png')
    expect(status).toBe(400)
    expect(body['message']).toMatch(/pixel limit/)
    // Decoded they are 100 MB in grey.
    expect(peakMB() - before).toBeLessThan(40)
  })
})
