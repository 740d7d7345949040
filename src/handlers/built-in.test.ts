/** The built-in handlers on real models and a real index, called as a worker calls them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { doublingModel } from '../../test/support/tiny-models.js'
import { buildIndex, saveIndex } from '../vector/index.js'
import embeddingIndex from './embedding-index.js'
import type { Context, Handler, Input, Job } from './handler.js'
import { openModel } from './model.js'
import onnx from './onnx.js'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'marina-handlers-'))
  folders.push(folder)
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data)
  return folder
}

const contextOf = (modelDir: string): Context => ({
  model: 'm',
  version: '1.0',
  modelDir,
  manifest: { model: { serializedFile: 'model.onnx' } },
  threads: 1,
  device: 'cpu',
  batchSize: 8,
  log: () => undefined,
  metric: () => undefined,
})

const jobOf = (body: string | Uint8Array | Input, operation: Job['operation'] = 'predict'): Job => ({
  id: 'r',
  headers: {},
  operation,
  sequenceId: undefined,
  signal: new AbortController().signal,
  input:
    typeof body === 'object' && 'kind' in body
      ? body
      : { kind: 'parts', parts: [{ name: 'body', contentType: undefined, data: Buffer.from(body) }] },
})

/** One batch through the three phases; rows that failed keep their place. */
async function answers<State, In, Out>(
  handler: Handler<State, In, Out>,
  { folder, jobs }: { folder: string; jobs: Job[] },
): Promise<unknown[]> {
  const state = (await handler.initialize?.(contextOf(folder))) as State
  const rows = ((await handler.preprocess?.(jobs, state)) ?? []) as (In | { status: number })[]
  const isFailed = (row: unknown) => typeof row === 'object' && row !== null && 'status' in row
  const alive = rows.flatMap((row, at) => (isFailed(row) ? [] : [at]))
  const living = alive.flatMap((at) => jobs[at] ?? [])
  const outputs = await handler.inference?.(
    alive.map((at) => rows[at] as In),
    state,
    living,
  )
  const replies = await handler.postprocess?.((outputs ?? []) as Out[], state, living)
  await handler.dispose?.(state)
  return rows.map((row, at) => (isFailed(row) ? row : replies?.[alive.indexOf(at)]))
}

const request = (data: unknown, facts: object = {}) =>
  JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data, ...facts }] })
const output = (data: number[], facts: object = {}) => ({
  outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data, ...facts }],
})

describe('onnx', () => {
  test('answers tensors in JSON, and those of a batch each on their own', async () => {
    const folder = folderWith({ 'model.onnx': doublingModel() })
    const two = request([1, 2, 3, 4], { shape: [2, 2] })
    const replies = await answers(onnx, {
      folder,
      jobs: [jobOf(request([1, 2])), jobOf(two), jobOf(request([[5, 6]]))],
    })
    expect(replies).toEqual([output([2, 4]), output([2, 4, 6, 8], { shape: [2, 2] }), output([10, 12])])
  })

  test('runs models whose first dimension is fixed one request at a time', async () => {
    const folder = folderWith({ 'model.onnx': doublingModel('float32', 1) })
    const replies = await answers(onnx, { folder, jobs: [jobOf(request([1, 2])), jobOf(request([3, 4]))] })
    expect(replies).toEqual([output([2, 4]), output([6, 8])])
  })

  test.each([
    ['float64', 'FP64'],
    ['int32', 'INT32'],
    ['int64', 'INT64'],
  ] as const)('takes %s as %s', async (type, datatype) => {
    const folder = folderWith({ 'model.onnx': doublingModel(type) })
    const [reply] = await answers(onnx, { folder, jobs: [jobOf(request([1, 2], { datatype }))] })
    expect(reply).toEqual(output([2, 4], { datatype }))
  })

  test('takes tensors that came as tensors', async () => {
    const folder = folderWith({ 'model.onnx': doublingModel() })
    const tensor = { name: 'x', type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } as const
    const [reply] = await answers(onnx, { folder, jobs: [jobOf({ kind: 'tensors', tensors: [tensor] })] })
    expect(reply).toEqual(output([2, 4]))
  })

  test.each([
    ['', 'The request has no body'],
    ['{"inputs": 3}', 'The body must be {"inputs"'],
    ['no json', 'The body is no list of tensors'],
    [request([1], {}), '1 values for the shape [1, 2], which has 2'],
  ])('fails the request %j alone with 400 and the reason', async (body, reason) => {
    const folder = folderWith({ 'model.onnx': doublingModel() })
    const replies = await answers(onnx, { folder, jobs: [jobOf(request([1, 2])), jobOf(body)] })
    expect(replies[0]).toEqual(output([2, 4]))
    expect(replies[1]).toMatchObject({ status: 400, text: expect.stringContaining(reason) as string })
  })

  test.each([
    [request([1, 2, 3], { shape: [1, 3] }), "the input 'x' is float32 [1, 3], but must be float32 [n, 2]"],
    [request([1, 2], { datatype: 'INT32' }), "the input 'x' is int32 [1, 2], but must be float32 [n, 2]"],
    [request([1, 2], { name: 'z' }), "the input 'x' is missing"],
  ])('says what the model wanted instead of %j', async (body, reason) => {
    const folder = folderWith({ 'model.onnx': doublingModel() })
    const state = await onnx.initialize?.(contextOf(folder))
    const rows = onnx.preprocess?.([jobOf(body)], state as never) as never
    const outputs = await onnx.inference?.(rows, state as never, [])
    expect(outputs?.[0]).toMatchObject({ status: 400, text: expect.stringContaining(reason) as string })
    await onnx.dispose?.(state as never)
  })
})

describe('embedding_index', () => {
  /** The "embedding" of two floats is the doubled pair. */
  async function model(settings?: object): Promise<string> {
    const folder = folderWith({
      'model.onnx': doublingModel(),
      ...(settings ? { 'settings.json': JSON.stringify(settings) } : {}),
    })
    const opened = await openModel(join(folder, 'model.onnx'))
    await opened.close()
    const vectors = Float32Array.of(0, 0, 2, 0, 8, 8)
    const index = await buildIndex({
      metric: 'l2',
      dimension: 2,
      vectors,
      labels: ['a', 'b', 'c'],
      modelHash: opened.hash,
    })
    await saveIndex(index, join(folder, 'index.faiss'))
    await index.close()
    return folder
  }
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

  test('answers the label of the nearest neighbour and its squared distance', async () => {
    const folder = await model()
    const jobs = [jobOf(floats(1, 0.5)), jobOf(floats(4, 4))]
    expect(await answers(embeddingIndex, { folder, jobs })).toEqual([
      { dist: 1, label: 'b' },
      { dist: 0, label: 'c' },
    ])
  })

  test('says whether it knows the answer where a threshold is set, and explains with all k neighbours', async () => {
    const folder = await model({ k: 2, threshold: 0.5 })
    const [near, far] = await answers(embeddingIndex, {
      folder,
      jobs: [jobOf(floats(0, 0)), jobOf(floats(1, 0.5), 'explain')],
    })
    expect(near).toEqual({ dist: 0, label: 'a', known: true })
    expect(far).toEqual({
      dist: 1,
      label: 'b',
      known: false,
      neighbours: [
        { id: 1, label: 'b', dist: 1 },
        { id: 0, label: 'a', dist: 5 },
      ],
    })
  })

  test('a body of the wrong length fails alone, and is told the right one', async () => {
    const folder = await model()
    const [right, wrong] = await answers(embeddingIndex, {
      folder,
      jobs: [jobOf(floats(0, 0)), jobOf('abc')],
    })
    expect(right).toEqual({ dist: 0, label: 'a' })
    expect(wrong).toMatchObject({
      status: 400,
      text: 'The body has 3 bytes, but one input of the model has 8 (float32 [2]).',
    })
  })
})
