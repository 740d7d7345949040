/** Batches in real workers: their order and size, and that each job of one is answered on its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  jobOf,
  textOf,
  WAITS,
  WorkerProgram,
  type TestWorkerOptions,
} from '../../test/support/real-worker.js'

let program: WorkerProgram
beforeAll(async () => {
  program = await WorkerProgram.bundle()
})
afterAll(() => program.close())

async function loaded(options: TestWorkerOptions) {
  const worker = program.start(options)
  await worker.message('loaded')
  return worker
}

/** Answers with the text of each job in capitals; says on the way how large its batch is. */
const BATCHES = `
  export default {
    preprocess: (jobs) => jobs.map((job) => Buffer.from(job.input.parts[0].data).toString()),
    inference: (rows) => { console.log('batch of ' + rows.length); return rows.map((row) => row.toUpperCase()) },
    postprocess: (rows, state, jobs) => rows.map((row, at) => row + ' ' + jobs[at].id),
  }`

describe('a batch', () => {
  test('passes through preprocess, inference and postprocess, and each answer finds its job', async () => {
    const worker = await loaded({ source: BATCHES })
    worker.send([jobOf(11, 'a'), jobOf(12, 'b'), jobOf(13, 'c')])
    expect(await Promise.all([11, 12, 13].map((key) => worker.answer(key)))).toEqual([
      '200 A request-11',
      '200 B request-12',
      '200 C request-13',
    ])
  })

  test('has what has arrived, at most batchSize, oldest first', async () => {
    const source = `${WAITS}
      export default { async inference(jobs) {
        if (jobs[0].id === 'request-1') await opened()
        return jobs.map(() => jobs.map(({ id }) => id.slice(8)).join()) } }`
    const worker = await loaded({ source, load: { batchSize: 3 } })
    worker.send([jobOf(1)], true)
    worker.send([jobOf(2), jobOf(3)])
    worker.send([jobOf(4), jobOf(5), jobOf(6)])
    worker.cancel(6)
    // Before it all the others have arrived.
    await worker.message('cancelled')
    worker.open()
    expect(await worker.answer(5)).toBe('200 5')
    const started = worker.messages.flatMap((message) => (message.kind === 'started' ? [message.keys] : []))
    // The first was announced by the frame itself.
    expect(started).toEqual([[2, 3, 4], [5]])
    expect(await worker.answer(1)).toBe('200 1')
    expect(await worker.answer(3)).toBe('200 2,3,4')
    const keys = worker.messages.flatMap((message) => (message.kind === 'result' ? [message.key] : []))
    expect(keys).toEqual([1, 2, 3, 4, 5])
  })

  test('is announced before the handler is called, even by one that blocks', async () => {
    const worker = await loaded({ source: `export default { inference: () => { for (;;); } }` })
    worker.send([jobOf(1), jobOf(2)])
    expect((await worker.message('started')).keys).toEqual([1, 2])
  })

  test('reports the time of each phase and its size', async () => {
    const source = `const wait = async (rows, ms) => { await new Promise((r) => setTimeout(r, ms)); return rows.map(() => 'x') }
      export default { preprocess: (rows) => wait(rows, 20), inference: (rows) => wait(rows, 60) }`
    const worker = await loaded({ source })
    worker.send([jobOf(1), jobOf(2)])
    const { timing } = await worker.result(2)
    expect(timing.batch).toBe(2)
    expect(timing.preprocessUs).toBeGreaterThan(15_000)
    expect(timing.inferenceUs).toBeGreaterThan(55_000)
    expect(timing.postprocessUs).toBe(0)
  })

  test('never has a describe beside another job', async () => {
    const source = `export default { inference: (jobs) => jobs.map(() => jobs.map((job) => job.operation).join()) }`
    const worker = await loaded({ source, load: { batchSize: 8 } })
    const describing = { operation: 'describe' } as const
    worker.send([jobOf(1), jobOf(2), jobOf(3, '', describing), jobOf(4, '', describing), jobOf(5)])
    expect(await Promise.all([1, 2, 3, 4, 5].map((key) => worker.answer(key)))).toEqual([
      '200 predict,predict',
      '200 predict,predict',
      '200 describe',
      '200 describe',
      '200 predict',
    ])
  })
})

describe('a row that fails', () => {
  test('in any phase fails alone, and the later phases never see it', async () => {
    const source = `
      import { failure } from 'marina'
      const failing = (name) => (rows, ...rest) => {
        const jobs = name === 'preprocess' ? rows : rest[1]
        if (rows.length !== jobs.length) throw new Error(name + ' sees rows without jobs')
        return rows.map((row, at) => jobs[at].headers.fail === name ? failure(410 + name.length, 'no ' + name) : 'fine')
      }
      export default { preprocess: failing('preprocess'), inference: failing('inference'), postprocess: failing('postprocess') }`
    const worker = await loaded({ source, load: { batchSize: 8 } })
    const failing = (key: number, fail: string) => jobOf(key, '', { headers: { fail } })
    worker.send([
      failing(1, 'preprocess'),
      jobOf(2),
      failing(3, 'inference'),
      failing(4, 'postprocess'),
      jobOf(5),
    ])
    expect(await Promise.all([1, 2, 3, 4, 5].map((key) => worker.answer(key)))).toEqual([
      'rejected 420 no preprocess',
      '200 fine',
      'rejected 419 no inference',
      'rejected 421 no postprocess',
      '200 fine',
    ])
  })

  test('with a status that is no error is a mistake of the handler', async () => {
    const source = `import { failure } from 'marina'
      export default { inference: (jobs) => [failure(200, 'fine?'), failure(NaN, undefined), failure(599, 'last')] }`
    const worker = await loaded({ source })
    worker.send([jobOf(1), jobOf(2), jobOf(3)])
    expect(await Promise.all([1, 2, 3].map((key) => worker.answer(key)))).toEqual([
      'rejected 500 fine?',
      'rejected 500 undefined',
      'rejected 599 last',
    ])
  })
})

describe('a throw', () => {
  const POISON = `
    let calls = 0
    export default { inference: (jobs) => {
      calls++
      if (jobs.some((job) => job.headers.poison)) throw new TypeError('poison')
      return jobs.map(() => String(calls))
    } }`
  const poison = (key: number) => jobOf(key, '', { headers: { poison: 'yes' } })

  test('in a batch is tried again job by job, and only the one that throws alone fails', async () => {
    const worker = await loaded({ source: POISON })
    worker.send([jobOf(1), poison(2), jobOf(3)])
    expect(await worker.answer(1)).toBe('200 2')
    expect(await worker.answer(2)).toBe('exception 503 TypeError: poison')
    expect(await worker.answer(3)).toBe('200 4')
    expect((await worker.result(3)).timing.batch).toBe(3)
  })

  test('fails the whole batch where jobs are not to be tried again', async () => {
    const worker = await loaded({ source: POISON, load: { retryItems: false } })
    worker.send([jobOf(1), poison(2)])
    expect(await worker.answer(1)).toBe('exception 503 TypeError: poison')
    expect(await worker.answer(2)).toBe('exception 503 TypeError: poison')
  })

  test('names the line of the handler, and leaves the worker alive', async () => {
    const source = `export default {\n  inference(jobs) {\n    if (jobs[0].headers.fine) return ['fine']\n    throw new Error('here')\n  },\n}`
    const worker = await loaded({ source })
    worker.send([jobOf(1)])
    expect(await worker.outcome(1)).toMatchObject({
      kind: 'failed',
      reason: 'exception',
      status: 503,
      message: 'Error: here',
      where: 'handler.js:4',
      trace: expect.stringContaining('at Object.inference') as string,
    })
    worker.send([jobOf(2, '', { headers: { fine: 'yes' } })])
    expect(await worker.answer(2)).toBe('200 fine')
  })

  test.each([
    [`throw 'just text'`, 'exception 503 just text'],
    [`throw undefined`, 'exception 503 undefined'],
    [`throw failure(418, 'a teapot')`, 'rejected 418 a teapot'],
    [`new ArrayBuffer(2 ** 52)`, 'out-of-memory 507 RangeError: Array buffer allocation failed'],
    [`return Promise.reject(new Error('later'))`, 'exception 503 Error: later'],
    [`throw new Error('x'.repeat(20_000_000))`, 'cannot be sent'],
  ])('of %s fails its job', async (statement, answer) => {
    const source = `import { failure } from 'marina'
      export default { inference() { ${statement} } }`
    const worker = await loaded({ source })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toContain(answer)
    worker.send([jobOf(2)])
    expect(await worker.answer(2)).toContain(answer)
  })
})

describe('rows that are no rows', () => {
  test.each([
    ['undefined', 'inference must return an array with one row for each job, not undefined'],
    [`'text'`, 'inference must return an array with one row for each job, not string'],
    ['[]', 'inference returned 0 rows for 1 jobs'],
    ['[1, 2]', 'inference returned 2 rows for 1 jobs'],
    [
      '[undefined]',
      `The handler's answer cannot be written: a value of type undefined cannot be written as JSON`,
    ],
    ['[10n]', `The handler's answer cannot be written: Do not know how to serialize a BigInt`],
  ])('%s is refused', async (rows, message) => {
    const worker = await loaded({ source: `export default { inference: () => (${rows}) }` })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe(`invalid-output 503 ${message}`)
  })

  test('for a batch are asked for again, job by job', async () => {
    const source = `export default { inference: (jobs) => ['one for all'] }`
    const worker = await loaded({ source })
    worker.send([jobOf(1), jobOf(2)])
    expect(await worker.answer(1)).toBe('200 one for all')
    expect(await worker.answer(2)).toBe('200 one for all')
  })
})

test('a body of any size and any bytes comes back as it went', async () => {
  const worker = await loaded({})
  const large = new Uint8Array(3_000_001).map((_, at) => at * 7)
  worker.send([jobOf(1, large), jobOf(2, new Uint8Array()), jobOf(3, Uint8Array.of(0, 255, 128))])
  const bodies = await Promise.all([1, 2, 3].map((key) => worker.outcome(key)))
  const data = bodies.map((outcome) =>
    outcome.kind === 'ok' && outcome.body.kind === 'inline' ? outcome.body.data : undefined,
  )
  expect(data[0] && Buffer.from(large).equals(data[0])).toBe(true)
  expect(data.slice(1)).toEqual([new Uint8Array(), Uint8Array.of(0, 255, 128)])
  expect(bodies[1]?.kind === 'ok' && textOf(bodies[1].body)).toBe('')
})
