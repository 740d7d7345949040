/** How a real worker finds and loads a handler, what it tells it, and what a handler can say outside of any answer. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobOf, WorkerProgram, type TestWorkerOptions } from '../../test/support/real-worker.js'
import type { BodyRef, WireInput } from '../protocol/messages.js'

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

const failureOf = async (options: TestWorkerOptions) => {
  const worker = program.start(options)
  const failed = await worker.message('load-failed')
  expect(await worker.exit()).toMatchObject({ code: 1 })
  return failed
}

const named = `export const shout = { inference: (jobs) => jobs.map(() => 'SHOUT') }; export default { inference: () => ['x'] }`

describe('a handler', () => {
  test.each(['handler.js:shout', 'handler:shout'])('is found as %s', async (handler) => {
    const worker = await loaded({ source: named, load: { handler } })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe('200 SHOUT')
  })

  test('that initialize throws for is not loaded, and the reason comes with its trace', async () => {
    const source = `export default { initialize() { throw new Error('no weights') }, inference: () => [] }`
    const failed = await failureOf({ source })
    expect(failed).toMatchObject({ message: 'no weights', outOfMemory: false })
    expect(failed.trace).toContain('handler.js:1')
  })

  test('that has no memory to load is known as such', async () => {
    const source = `export default { initialize: () => new ArrayBuffer(2 ** 52), inference: () => [] }`
    expect(await failureOf({ source })).toMatchObject({ outOfMemory: true })
  })

  test.each([
    [
      { load: { handler: 'missing.js' } },
      /neither a file in the archive \(.*missing\.js\) nor built in \(onnx, embed/,
    ],
    [{ source: 'export default 7' }, /exports no handler: end the file with 'export default defineHandler/],
    [
      { source: 'export default { initialize() {} }' },
      /at least one of preprocess, inference, postprocess, step/,
    ],
    [{ source: named, load: { handler: 'handler.js:whisper' } }, /'handler.js:whisper' exports no handler/],
    [{ source: 'import "no-such-package"' }, /Cannot find package 'no-such-package'/],
    [{ source: `throw new Error('at the top')` }, /at the top/],
  ])('that is none is refused: %j', async (options: TestWorkerOptions, message) => {
    expect((await failureOf(options)).message).toMatch(message)
  })

  test('is told what it was loaded for, and keeps what initialize returns', async () => {
    const source = `export default {
      initialize: async ({ log, metric, ...context }) => { await 0; return { context, jobs: 0 } },
      inference: (jobs, state) => jobs.map(() => ({ ...state, jobs: ++state.jobs })) }`
    const manifest = JSON.stringify({ model: { modelName: 'm' } })
    const worker = program.start({
      source,
      files: { 'manifest.json': manifest },
      load: { threads: 3, device: 'cuda:0' },
    })
    await worker.message('loaded')
    worker.send([jobOf(1), jobOf(2)])
    const answers = await Promise.all([1, 2].map((key) => worker.answer(key)))
    const { modelDir } = worker
    const context = {
      model: 'm',
      version: '1.0',
      modelDir,
      manifest: {},
      threads: 3,
      device: 'cuda:0',
      batchSize: 4,
    }
    expect(answers.map((answer) => JSON.parse(answer.slice(4)) as unknown)).toEqual([
      { context, jobs: 1 },
      { context, jobs: 2 },
    ])
  })

  test('can use the packages of its host, though its folder has none', async () => {
    const source = `import { MarinaError } from 'marina'; import sharp from 'sharp'
      const ort = await import('onnxruntime-node')
      export default { inference: (jobs) => jobs.map(() => [typeof sharp, typeof ort.InferenceSession, typeof MarinaError].join()) }`
    const worker = await loaded({ source })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe('200 function,function,function')
  })
})

describe('outside of its answers a handler', () => {
  test('can print to stdout without harm: it comes out as a line of the log', async () => {
    const source = `import { writeSync } from 'node:fs'
      export default { inference: (jobs) => { console.log('{"not": "a frame"}'); writeSync(1, '\\x00\\x01raw\\n'); return jobs.map(() => 'x') } }`
    const worker = await loaded({ source })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe('200 x')
    worker.stop()
    await worker.exit()
    expect(worker.logs).toEqual(['info - {"not": "a frame"}', 'info - \0\u0001raw'])
  })

  test('can log and count', async () => {
    const source = `let context
      export default { initialize: (given) => { context = given },
        inference: (jobs) => {
          context.log('warn', 'careful'); context.log('info', { an: 'object' })
          context.metric('seen', jobs.length, { type: 'gauge', unit: 'jobs', labels: { size: 7 } }); context.metric('calls', 1)
          return jobs.map(() => 'x') } }`
    const worker = await loaded({ source })
    worker.send([jobOf(1)], true)
    await worker.result(1)
    const own = { ModelName: 'm', Level: 'Model' }
    expect(worker.messages.slice(1, -1)).toEqual([
      { kind: 'log', level: 'warn', message: 'careful' },
      { kind: 'log', level: 'info', message: '[object Object]' },
      { kind: 'metric', name: 'seen', type: 'gauge', value: 1, unit: 'jobs', labels: { size: '7', ...own } },
      { kind: 'metric', name: 'calls', type: 'counter', value: 1, unit: 'count', labels: own },
    ])
  })

  test.each([
    [`context.log('fatal', 'x')`, `'fatal' is none of debug, info, warn, error`],
    [`context.metric('x', 1, { type: 'timer' })`, `'timer' is none of counter, gauge, histogram`],
  ])('is told of a mistake: %s', async (call, words) => {
    const source = `let context
      export default { initialize: (given) => { context = given }, inference: () => { ${call} } }`
    const worker = await loaded({ source })
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe(`exception 503 TypeError: ${words}`)
  })

  test('can leave the signal and the headers of a job to be looked at later', async () => {
    const source = `import { header, mainPart } from 'marina'
      export default { inference: (jobs) => jobs.map((job) =>
        [job.id, job.operation, job.sequenceId, header(job, 'x-name'), mainPart(job).contentType, job.signal.aborted].join()) }`
    const worker = await loaded({ source })
    const parts = [
      { name: 'other', body: { kind: 'inline' as const, data: Uint8Array.of(1) } },
      { name: 'data', contentType: 'image/png', body: { kind: 'inline' as const, data: Uint8Array.of(1) } },
    ]
    const input: WireInput = { kind: 'parts', parts }
    worker.send([
      jobOf(1, '', { headers: { 'X-Name': 'Zoë' }, sequenceId: 's', operation: 'explain', input }),
    ])
    expect(await worker.answer(1)).toBe('200 request-1,explain,s,Zoë,image/png,false')
  })
})

describe('an input', () => {
  const SHOWN = `export default { inference: (jobs) => jobs.map(({ input }) => input.kind === 'parts'
    ? input.parts.map(({ data }) => [data.constructor.name, Buffer.from(data).toString()].join(':')).join()
    : input.tensors.map(({ name, data }) => [name, data.constructor.name, [...data].join(' ')].join(':')).join()) }`
  const tensor = (type: 'float32' | 'int64' | 'string' | 'float16', shape: number[], body: BodyRef) => ({
    kind: 'tensors' as const,
    tensors: [{ name: 't', type, shape, body }],
  })
  const inline = (data: Uint8Array): BodyRef => ({ kind: 'inline', data })

  test('in a file is read from there, next to one that came along', async () => {
    const worker = await loaded({ source: SHOWN, files: { 'body.bin': 'xxhelloyy' } })
    const body: BodyRef = { kind: 'file', file: join(worker.modelDir, 'body.bin'), offset: 2, bytes: 5 }
    const parts = [
      { name: 'a', body },
      { name: 'b', body: inline(Buffer.from('inline')) },
    ]
    worker.send([jobOf(1, '', { input: { kind: 'parts', parts } })])
    expect(await worker.answer(1)).toBe('200 Uint8Array:hello,Uint8Array:inline')
  })

  test('of tensors comes as typed arrays', async () => {
    const worker = await loaded({ source: SHOWN })
    const floats = new Uint8Array(Float32Array.of(1, -2.5).buffer)
    const longs = new Uint8Array(BigInt64Array.of(-1n, 2n ** 40n).buffer)
    worker.send([
      jobOf(1, '', { input: tensor('float32', [1, 2], inline(floats)) }),
      jobOf(2, '', { input: tensor('int64', [2], inline(longs)) }),
      jobOf(3, '', { input: tensor('string', [3], inline(Buffer.from('a\0\0ü'))) }),
      jobOf(4, '', { input: tensor('string', [1], inline(new Uint8Array())) }),
    ])
    expect(await Promise.all([1, 2, 3, 4].map((key) => worker.answer(key)))).toEqual([
      '200 t:Float32Array:1 -2.5',
      '200 t:BigInt64Array:-1 1099511627776',
      '200 t:Array:a  ü',
      '200 t:Array:',
    ])
  })

  test('that cannot be read fails its own job only, in a batch as in steps', async () => {
    const missing: BodyRef = { kind: 'file', file: '/no/such/file', offset: 0, bytes: 5 }
    const short: BodyRef = { kind: 'file', file: '/dev/null', offset: 0, bytes: 5 }
    const part = (body: BodyRef): WireInput => ({ kind: 'parts', parts: [{ name: 'a', body }] })
    const jobs = [
      jobOf(1, '', { input: part(missing) }),
      jobOf(2, '', { input: part(short) }),
      jobOf(3, '', { input: tensor('float32', [2], inline(new Uint8Array(7))) }),
      jobOf(4, 'fine'),
    ]
    const steps = `export default { step: (active) => active.map(() => ({ chunk: 'Uint8Array:fine', done: true })) }`
    for (const source of [SHOWN, steps]) {
      const worker = await loaded({ source })
      worker.send(jobs)
      expect(await worker.answer(4)).toBe('200 Uint8Array:fine')
      expect(await worker.answer(1)).toMatch(/^exception 503 Error: ENOENT/)
      expect(await worker.answer(2)).toBe('exception 503 Error: /dev/null ended 5 bytes early')
      expect(await worker.answer(3)).toBe(`rejected 400 the tensor 't' has 1.75 values for float32 [2]`)
    }
  })
})
