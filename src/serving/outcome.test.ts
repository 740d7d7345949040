import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toChunk, toOutcome } from './outcome.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-outcome-'))
  await writeFile(join(folder, 'body'), 'before|the answer|after')
})
afterAll(() => rm(folder, { recursive: true }))

const inFile = (offset: number, bytes: number) =>
  ({ kind: 'file', file: join(folder, 'body'), offset, bytes }) as const
const answered = (body: ReturnType<typeof inFile>) =>
  toOutcome({ kind: 'answered', outcome: { kind: 'ok', status: 200, headers: {}, body } })

test('a body in a file is read from its place', async () => {
  const outcome = await answered(inFile(7, 10))
  expect(outcome).toMatchObject({ kind: 'ok', body: new TextEncoder().encode('the answer') })
})

test('a file that is shorter than promised fails that job, with the file named', async () => {
  const outcome = await answered(inFile(7, 100))
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'invalid-output' })
  expect(outcome).toHaveProperty('message', expect.stringContaining(join(folder, 'body')))
})

test('a chunk keeps its head, wherever its bytes are', async () => {
  const head = { status: 200, headers: { a: 'b' } }
  const data = new TextEncoder().encode('after')
  expect(await toChunk({ head, body: inFile(18, 5) })).toEqual({ head, data })
  expect(toChunk({ body: { kind: 'inline', data } })).toEqual({ data })
})

test('the verdicts of the dispatcher and the failures of handlers pass as they are', () => {
  expect(toOutcome({ kind: 'cancelled', place: 'queued' })).toEqual({ kind: 'cancelled', place: 'queued' })
  const failed = { kind: 'failed', reason: 'rejected', status: 400, message: 'not an image' } as const
  expect(toOutcome({ kind: 'answered', outcome: failed })).toEqual(failed)
})
