/** Continuous batching in real workers: jobs come and go between two steps of a handler. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobOf, textOf, WorkerProgram, type TestWorker } from '../../test/support/real-worker.js'

let program: WorkerProgram
beforeAll(async () => {
  program = await WorkerProgram.bundle()
})
afterAll(() => program.close())

async function loaded(source: string, batchSize = 4): Promise<TestWorker> {
  const worker = program.start({ source, load: { batchSize } })
  await worker.message('loaded')
  return worker
}

/** Each job says how often it is to be stepped; it is told how many are active. One step takes a few milliseconds. */
const COUNTDOWN = `
  const left = new Map()
  export default { async step(active) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return active.map((job) => {
      const steps = (left.get(job.id) ?? Number(Buffer.from(job.input.parts[0].data).toString())) - 1
      left.set(job.id, steps)
      return { chunk: String(active.length), done: steps <= 0 }
    })
  } }`

const chunks = (worker: TestWorker, key: number) =>
  worker.messages.flatMap((message) =>
    message.kind === 'chunk' && message.key === key ? [textOf(message.body)] : [],
  )

describe('a stepped job', () => {
  test('gives a chunk with each step, and its result after the last', async () => {
    const worker = await loaded(COUNTDOWN)
    worker.send([jobOf(1, '3')], true)
    expect(await worker.answer(1)).toBe('200 ')
    expect(chunks(worker, 1)).toEqual(['1', '1', '1'])
    const heads = worker.messages.flatMap((message) => (message.kind === 'chunk' ? [message.head] : []))
    expect(heads).toEqual([{ status: 200, headers: {} }, undefined, undefined])
  })

  test('that is done in its first step is answered in one piece', async () => {
    const worker = await loaded(COUNTDOWN)
    worker.send([jobOf(1, '1'), jobOf(2, '1')], true)
    expect([await worker.answer(1), await worker.answer(2)]).toEqual(['200 2', '200 2'])
    expect(chunks(worker, 1)).toEqual([])
  })

  test('is joined by one that comes later, though it was alone at first', async () => {
    const worker = await loaded(COUNTDOWN, 2)
    worker.send([jobOf(1, '1000000')], true)
    await worker.message('chunk')
    worker.send([jobOf(2, '2'), jobOf(3, '2')])
    await worker.result(3)
    worker.cancel(1)
    await worker.result(1)
    // Never more than batchSize together: the third came when the second had gone.
    expect(new Set(chunks(worker, 1))).toEqual(new Set(['1', '2']))
    const started = worker.messages.flatMap((message) => (message.kind === 'started' ? [message.keys] : []))
    expect(started).toEqual([[2], [3]])
  })

  test('that is cancelled ends after the step that runs, and makes room', async () => {
    const worker = await loaded(COUNTDOWN, 1)
    worker.send([jobOf(1, '1000000')], true)
    worker.send([jobOf(2, '1')])
    await worker.message('chunk')
    worker.cancel(1)
    expect(await worker.answer(1)).toBe('200 ')
    expect(await worker.answer(2)).toBe('200 1')
  })

  test('is finished before the worker stops', async () => {
    const worker = await loaded(COUNTDOWN, 1)
    worker.send([jobOf(1, '5'), jobOf(2, '1')], true)
    await worker.message('chunk')
    worker.stop()
    expect(await worker.exit()).toMatchObject({ code: 0 })
    expect(await worker.answer(1)).toBe('200 ')
    expect(worker.messages).toContainEqual({ kind: 'cancelled', keys: [2] })
  })
})

describe('a step', () => {
  test('can fail one job and go on with the others', async () => {
    const worker = await loaded(`import { failure } from 'marina'
      export default { step: (active) => active.map(({ id }) => id === 'request-2' ? failure(422, 'not this') : { chunk: id, done: true }) }`)
    worker.send([jobOf(1), jobOf(2), jobOf(3)])
    expect(await Promise.all([1, 2, 3].map((key) => worker.answer(key)))).toEqual([
      '200 request-1',
      'rejected 422 not this',
      '200 request-3',
    ])
  })

  test('that throws ends all active jobs, and the next ones are served', async () => {
    const worker = await loaded(`let steps = 0
      export default { step: (active) => { if (steps++ === 1) throw new Error('second step'); return active.map(() => ({ chunk: 'x', done: false || steps > 2 })) } }`)
    worker.send([jobOf(1), jobOf(2)])
    expect(await worker.answer(1)).toBe('exception 503 Error: second step')
    expect(await worker.answer(2)).toBe('exception 503 Error: second step')
    expect(chunks(worker, 1)).toEqual(['x'])
    worker.send([jobOf(3)])
    expect(await worker.answer(3)).toBe('200 x')
  })

  test.each([
    ['undefined', 'step must return an array with one row for each of 1 jobs, not undefined'],
    ['[]', 'step must return an array with one row for each of 1 jobs, not 0 rows'],
    ['[null]', 'a row of step must be { done: true or false, chunk }'],
    [`['x']`, 'a row of step must be { done: true or false, chunk }'],
    [`[{ chunk: 'x' }]`, 'a row of step must be { done: true or false, chunk }'],
    [`[{ kind: 'ok' }]`, 'a row of step must be { done: true or false, chunk }'],
    [`[{ chunk: 1n, done: false }]`, 'cannot be written'],
  ])('that returns %s fails its job and not the worker', async (rows, words) => {
    const worker = await loaded(`export default { step: ({ length }) => (${rows}) }`)
    worker.send([jobOf(1)])
    expect(await worker.outcome(1)).toMatchObject({ kind: 'failed', reason: 'invalid-output', status: 503 })
    expect(await worker.answer(1)).toContain(words)
    worker.send([jobOf(2)])
    expect(await worker.answer(2)).toContain(words)
  })
})
