/** What a handler can answer with, in real workers: bodies, statuses, headers, streams; and jobs nobody waits for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobOf, textOf, WAITS, WorkerProgram, type TestWorker } from '../../test/support/real-worker.js'

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

/** The text, status and headers of an answer. */
async function whole(worker: TestWorker, key: number) {
  const outcome = await worker.outcome(key)
  if (outcome.kind === 'failed') return outcome.message
  return { status: outcome.status, headers: outcome.headers, text: textOf(outcome.body) }
}

const json = { 'content-type': 'application/json' }

describe('a reply', () => {
  test.each([
    [`'text ü'`, { status: 200, headers: {}, text: 'text ü' }],
    [`new Uint8Array([104, 105])`, { status: 200, headers: {}, text: 'hi' }],
    [`{ a: [1, null] }`, { status: 200, headers: json, text: '{\n  "a": [\n    1,\n    null\n  ]\n}' }],
    [`[1]`, { status: 200, headers: json, text: '[\n  1\n]' }],
    [`3.5`, { status: 200, headers: json, text: '3.5' }],
    [`null`, { status: 200, headers: json, text: 'null' }],
    [`{ reply: true }`, { status: 200, headers: json, text: '{\n  "reply": true\n}' }],
    [`{ failure: true }`, { status: 200, headers: json, text: '{\n  "failure": true\n}' }],
    [`reply('made', { status: 201 })`, { status: 201, headers: {}, text: 'made' }],
    [
      `reply('<b>', { contentType: 'text/html', headers: { 'X-A': 'é' } })`,
      { status: 200, headers: { 'X-A': 'é', 'content-type': 'text/html' }, text: '<b>' },
    ],
    [
      `reply({ a: 1 }, { headers: { 'Content-Type': 'application/ld+json' } })`,
      { status: 200, headers: { 'Content-Type': 'application/ld+json' }, text: '{\n  "a": 1\n}' },
    ],
  ])('of %s', async (value, expected) => {
    const worker = await loaded(`import { reply } from 'marina'
      export default { inference: (jobs) => jobs.map(() => (${value})) }`)
    worker.send([jobOf(1)])
    expect(await whole(worker, 1)).toEqual(expected)
  })

  test.each([
    [`{ status: 99 }`, 'the status 99, not a whole number from 200 to 599'],
    [`{ status: 200.5 }`, 'the status 200.5, not a whole number'],
    [`{ status: '200' }`, 'the status "200", not a whole number'],
    [`{ headers: { 'a b': 'x' } }`, 'a header that is named "a b"'],
    [`{ headers: { a: 'x\\r\\nb: y' } }`, 'the value "x\\r\\nb: y" in the header a'],
    [`{ headers: { a: 7 } }`, 'the value 7 in the header a'],
  ])('that HTTP cannot say is refused: %s', async (options, words) => {
    const worker = await loaded(`import { reply } from 'marina'
      export default { inference: (jobs) => jobs.map(() => reply('x', ${options})) }`)
    worker.send([jobOf(1)])
    expect(await whole(worker, 1)).toContain(`The handler's answer has ${words}`)
  })
})

/** What a job was sent: the head, the texts of its chunks, and how it ended. */
function streamOf(worker: TestWorker, key: number) {
  const chunks = worker.messages.flatMap((message) =>
    message.kind === 'chunk' && message.key === key ? [message] : [],
  )
  return { heads: chunks.map(({ head }) => head), texts: chunks.map(({ body }) => textOf(body)) }
}

describe('a stream', () => {
  test('comes piece by piece, with its head in the first, and ends with an empty result', async () => {
    const worker = await loaded(`
      async function* count() { for (const piece of ['one', { two: 2 }, new Uint8Array([51])]) yield piece }
      export default { inference: (jobs) => jobs.map(() => count()) }`)
    worker.send([jobOf(1)])
    expect(await whole(worker, 1)).toEqual({ status: 200, headers: {}, text: '' })
    expect(streamOf(worker, 1)).toEqual({
      heads: [{ status: 200, headers: {} }, undefined, undefined],
      texts: ['one', '{\n  "two": 2\n}', '3'],
    })
  })

  test('has the status and headers of its reply', async () => {
    const worker = await loaded(`import { reply } from 'marina'
      async function* events() { yield 'data: 1\\n\\n' }
      export default { inference: (jobs) => jobs.map(() => reply(events(), { status: 206, contentType: 'text/event-stream' })) }`)
    worker.send([jobOf(1)])
    await worker.result(1)
    const head = { status: 206, headers: { 'content-type': 'text/event-stream' } }
    expect(streamOf(worker, 1)).toEqual({ heads: [head], texts: ['data: 1\n\n'] })
  })

  test('does not hold up the other jobs of its batch, but the next batch', async () => {
    const worker = await loaded(
      `${WAITS}
      async function* slow() { yield 'a'; await opened(); yield 'b' }
      export default { inference: (jobs) => jobs.map(({ id }) => (id === 'request-1' ? slow() : id)) }`,
      2,
    )
    worker.send([jobOf(1), jobOf(2)])
    worker.send([jobOf(3)])
    await worker.result(2)
    worker.open()
    await worker.result(3)
    const order = worker.messages.flatMap((message) =>
      'key' in message ? [`${message.kind} ${message.key}`] : [],
    )
    expect(order.filter((word) => !word.startsWith('chunk'))).toEqual(['result 2', 'result 1', 'result 3'])
  })

  test('that throws ends with what it threw, after the pieces that it gave', async () => {
    const worker = await loaded(`
      async function* broken() { yield 'a'; throw new Error('half way') }
      export default { inference: (jobs) => jobs.map(() => broken()) }`)
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe('exception 503 Error: half way')
    expect(streamOf(worker, 1).texts).toEqual(['a'])
  })

  test('gives no more than the server takes', async () => {
    // 64 MiB, of which the socket and its buffers hold a part: the handler must be made to wait for the rest.
    const worker = await loaded(`
      async function* large(job) {
        for (let piece = 0; piece < 64; piece++) { console.log(piece); yield new Uint8Array(2 ** 20).fill(piece) }
      }
      export default { inference: (jobs) => jobs.map(large) }`)
    worker.send([jobOf(1)])
    await worker.result(1)
    const sizes = worker.messages.flatMap((message) =>
      message.kind === 'chunk' && message.body.kind === 'inline' ? [message.body.data.length] : [],
    )
    expect(sizes).toEqual(new Array(64).fill(2 ** 20))
  })
})

describe('a cancel', () => {
  const SIGNALLED = `
    export default { async inference(jobs) {
      console.log('running')
      await Promise.all(jobs.map(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve))))
      return jobs.map(({ signal }) => (signal.aborted ? 'nobody waits' : 'somebody waits'))
    } }`

  test('hands a job back that has not started, and tells one that has', async () => {
    const worker = await loaded(SIGNALLED, 1)
    worker.send([jobOf(1), jobOf(2), jobOf(3)])
    await worker.message('log')
    worker.cancel(3)
    expect((await worker.message('cancelled')).keys).toEqual([3])
    worker.cancel(1)
    expect(await worker.answer(1)).toBe('200 nobody waits')
    worker.cancel(2)
    expect(await worker.answer(2)).toBe('200 nobody waits')
    expect(worker.messages.filter(({ kind }) => kind === 'cancelled')).toHaveLength(1)
  })

  test('that comes before the handler asks for the signal is not lost', async () => {
    const worker = await loaded(
      `${WAITS}
      export default { async inference(jobs) {
        await opened()
        return jobs.map(({ signal }) => String(signal.aborted))
      } }`,
      2,
    )
    worker.send([jobOf(1), jobOf(2), jobOf(3)])
    await worker.message('started')
    worker.cancel(2, 3)
    // The third had not started: that it comes back says that the cancel of the second was heard, too.
    await worker.message('cancelled')
    worker.open()
    expect([await worker.answer(1), await worker.answer(2)]).toEqual(['200 false', '200 true'])
  })

  test('ends a stream, and lets the handler clean up', async () => {
    const worker = await loaded(`
      async function* endless() {
        try { for (;;) { yield 'x'; await new Promise((resolve) => setTimeout(resolve, 5)) } }
        finally { console.log('cleaned up') }
      }
      export default { inference: (jobs) => jobs.map(() => endless()) }`)
    worker.send([jobOf(1)])
    await worker.message('chunk')
    worker.cancel(1)
    expect(await worker.answer(1)).toBe('200 ')
    expect((await worker.message('log')).message).toBe('cleaned up')
  })

  test('of a key that the worker does not hold says nothing', async () => {
    const worker = await loaded(`export default { inference: (jobs) => jobs.map(() => 'x') }`)
    worker.cancel(77)
    worker.send([jobOf(1)])
    await worker.result(1)
    worker.cancel(1)
    worker.send([jobOf(2)])
    await worker.result(2)
    expect(worker.messages.some(({ kind }) => kind === 'cancelled')).toBe(false)
  })
})
