import { expect, test } from 'vitest'
import type { Chunk, Outcome } from './job.js'
import { createReply, MAX_UNREAD_BYTES } from './reply.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)
const end = (body = ''): Outcome => ({ kind: 'ok', status: 200, headers: {}, body: bytes(body) })
const noLoss = () => expect.unreachable('the reader is there')

/** A reader that takes a piece only when it is told to. */
function slowReader() {
  const seen: string[] = []
  const waiting: (() => void)[] = []
  const onChunk = (chunk: Chunk) => {
    seen.push(text(chunk.data))
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  const takeOne = async () => {
    waiting.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { seen, onChunk, takeOne }
}

test('an answer in one piece passes as it is', async () => {
  const { sink, settled } = createReply({ onChunk: undefined, onLost: noLoss })
  sink.settle(end('hello'))
  expect(await settled).toEqual(end('hello'))
})

test('only the first end counts', async () => {
  const { sink, settled } = createReply({ onChunk: undefined, onLost: noLoss })
  sink.settle({ kind: 'cancelled', place: 'streaming' })
  sink.settle(end())
  expect((await settled).kind).toBe('cancelled')
})

test('pieces reach a slow reader one by one, and the answer ends after the last is taken', async () => {
  const reader = slowReader()
  const { sink, settled } = createReply({ onChunk: reader.onChunk, onLost: noLoss })
  let ended = false
  void settled.then(() => (ended = true))
  for (const piece of ['a', 'b']) sink.chunk({ data: bytes(piece) })
  sink.settle(end('c'))
  for (const seen of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    await new Promise((resolve) => setImmediate(resolve))
    expect(reader.seen).toEqual(seen)
    expect(ended).toBe(false)
    await reader.takeOne()
  }
  expect(await settled).toEqual({ kind: 'streamed' })
})

test('a caller who takes no pieces gets them joined, with the first head', async () => {
  const { sink, settled } = createReply({ onChunk: undefined, onLost: noLoss })
  sink.chunk({ head: { status: 201, headers: { a: 'b' } }, data: bytes('x') })
  sink.chunk({ data: bytes('y') })
  sink.settle(end('z'))
  expect(await settled).toEqual({ kind: 'ok', status: 201, headers: { a: 'b' }, body: Buffer.from('xyz') })
})

test('a reader that fails is reported once and gets nothing more', async () => {
  const lost: string[] = []
  const onChunk = () => Promise.reject(new Error('socket closed'))
  const { sink, settled } = createReply({ onChunk, onLost: (why) => lost.push(why) })
  sink.chunk({ data: bytes('a') })
  sink.chunk({ data: bytes('b') })
  sink.settle({ kind: 'cancelled', place: 'streaming' })
  expect((await settled).kind).toBe('cancelled')
  expect(lost).toEqual(['the reader of a streamed answer is gone: socket closed'])
})

test('a reader that falls too far behind is given up', () => {
  const lost: string[] = []
  const { sink } = createReply({ onChunk: slowReader().onChunk, onLost: (why) => lost.push(why) })
  const half = new Uint8Array(MAX_UNREAD_BYTES / 2)
  sink.chunk({ data: half })
  sink.chunk({ data: half })
  expect(lost).toEqual([])
  sink.chunk({ data: new Uint8Array(1) })
  expect(lost).toHaveLength(1)
})
