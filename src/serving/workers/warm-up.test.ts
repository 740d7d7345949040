import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryLogger, type LogRecord } from '../../log.js'
import type { WireJob, WireOutcome } from '../../protocol/messages.js'
import { createKeySource } from '../create-job.js'
import { readExamples, startWarmUp, type LoadedExample } from './warm-up.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const timing = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: 1 }
const answer = (text: string): WireOutcome => ({
  kind: 'ok',
  status: 200,
  headers: {},
  body: { kind: 'inline', data: bytes(text) },
})
const example = (name: string, more: Partial<LoadedExample['request']> = {}): LoadedExample => ({
  request: { name, file: `${name}.png`, contentType: 'image/png', ...more },
  data: bytes(name),
  binds: more.expect !== undefined,
})

/** Warms a worker up that answers each example with `outcomes`, in order. */
async function warmUp(examples: LoadedExample[], outcomes: WireOutcome[]) {
  const sent: WireJob[] = []
  const records: LogRecord[] = []
  const why = await new Promise<string | undefined>((resolve) => {
    const take = startWarmUp({
      examples,
      nextKey: createKeySource(),
      log: memoryLogger(records),
      onDone: resolve,
      send: ({ jobs }) => {
        const job = jobs[0]!
        const outcome = outcomes[sent.push(job) - 1]!
        setImmediate(() => take({ kind: 'result', key: job.key, outcome, timing }))
      },
    })
  })
  return { why, sent, logged: records.map((record) => `${record.level}: ${record.message}`) }
}

test('each example runs once, as a request with its body and content type', async () => {
  const { why, sent } = await warmUp([example('a'), example('b')], [answer('{}'), answer('{}')])
  expect(why).toBeUndefined()
  expect(sent.map((job) => job.id)).toEqual(['warm-up-a', 'warm-up-b'])
  expect(sent[0]?.headers).toEqual({ 'content-type': 'image/png' })
  expect(sent[0]?.input).toEqual({
    kind: 'parts',
    parts: [{ name: 'body', contentType: 'image/png', body: { kind: 'inline', data: bytes('a') } }],
  })
})

test('a promise holds within its tolerance', async () => {
  const promise = example('seven', { expect: { pred: 7, dist: 1, known: true }, tolerance: 0.5 })
  expect((await warmUp([promise], [answer('{"pred":7,"dist":1.4,"known":true}')])).why).toBeUndefined()
})

test('a broken promise is logged as an error and fails the load', async () => {
  const promise = example('seven', { expect: { pred: 7 } })
  const { why, logged } = await warmUp([promise, example('never')], [answer('{"pred":1}')])
  expect(why).toBe('Example seven was not answered as the archive promises: pred is 1, not 7')
  expect(logged).toEqual([`error: ${why ?? ''}`])
})

test('a failure fails the load only where the archive promises an answer', async () => {
  const failed: WireOutcome = {
    kind: 'failed',
    reason: 'exception',
    status: 503,
    message: 'boom',
    where: 'handler.ts:3',
  }
  expect((await warmUp([example('a')], [failed])).why).toBeUndefined()
  expect((await warmUp([example('a', { expect: { x: 1 } })], [failed])).why).toContain('boom (handler.ts:3)')
})

test('an answer that is not JSON breaks the promise', async () => {
  const promise = example('a', { expect: { x: 1 } })
  expect((await warmUp([promise], [answer('hello')])).why).toContain('not valid JSON')
  expect((await warmUp([promise], [answer('7')])).why).toContain('the answer is not an object but 7')
})

test('a promise that does not bind is only said', async () => {
  const promise = { ...example('a', { expect: { x: 1 } }), binds: false }
  const { why, logged } = await warmUp([promise], [answer('{ "x": 2 }')])
  expect(why).toBeUndefined()
  expect(logged).toEqual(['error: Example a was not answered as the archive promises: x is 2, not 1'])
})

test('examples are read from the archive, and a missing file is named', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'marina-examples-'))
  await mkdir(join(dir, 'MAR-INF/marina/examples'), { recursive: true })
  await writeFile(join(dir, 'MAR-INF/marina/examples/a.png'), 'pixels')
  const { request } = example('a')
  expect(await readExamples(dir, { examples: { requests: [request] }, bind: true })).toEqual([
    { request, data: Buffer.from('pixels'), binds: false },
  ])
  expect(await readExamples(dir, { examples: undefined, bind: true })).toEqual([])
  const missing = { requests: [{ ...request, name: 'b', file: 'b.png' }] }
  await expect(readExamples(dir, { examples: missing, bind: true })).rejects.toThrow(
    'The file of example b cannot be read',
  )
  await rm(dir, { recursive: true })
})
