/** Bytes that no honest peer sends: each is refused with a sentence, and none is taken for a message. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cut, cuts, upMessage } from '../../test/protocol/arbitrary-messages.js'
import { MarinaError } from '../errors.js'
import { createDownDecoder, createUpDecoder, encodeUp } from './codec.js'
import { encodeFrame, MAX_BODY_BYTES, MAX_HEADER_BYTES, padded, PREFIX_BYTES } from './frame.js'
import { frameKinds } from './messages.js'

/** A frame by hand: any numbers in front of any bytes. */
function frame(
  kind: number,
  sizes: { header: number; bodies: bigint },
  rest: Uint8Array | string = '',
): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32LE(kind, 0)
  prefix.writeUInt32LE(sizes.header, 4)
  prefix.writeBigUInt64LE(sizes.bodies, 8)
  return Buffer.concat([prefix, Buffer.from(rest)])
}

/** A well-formed frame around any header. */
const around = (kind: number, header: unknown, bodies: readonly Uint8Array[] = []) =>
  Buffer.concat(encodeFrame(kind, header, bodies))

function refusalOf(
  bytes: Uint8Array,
  createDecoder: typeof createUpDecoder | typeof createDownDecoder,
): string {
  try {
    createDecoder((message) => expect.fail(`${message.kind} was taken for a message`))(bytes)
  } catch (error) {
    if (error instanceof MarinaError && error.code === 'worker-failed') return error.message
    throw error
  }
  return 'none'
}

const up = (bytes: Uint8Array) => refusalOf(bytes, createUpDecoder)
const down = (bytes: Uint8Array) => refusalOf(bytes, createDownDecoder)
const { up: upNumbers, down: downNumbers } = frameKinds

describe('the first bytes of a frame are refused', () => {
  test('when its header would be longer than any header is', () => {
    const bytes = frame(17, { header: 2 ** 32 - 8, bodies: 0n })
    expect(up(bytes)).toMatch(/4294967288 bytes of header .* over the limits/)
    expect(up(frame(17, { header: MAX_HEADER_BYTES + 8, bodies: 0n }))).toMatch(/over the limits/)
  })

  test('when its bodies would be longer than a buffer can be', () => {
    expect(up(frame(17, { header: 8, bodies: 2n ** 64n - 8n }))).toMatch(/over the limits/)
    expect(up(frame(17, { header: 8, bodies: BigInt(MAX_BODY_BYTES) + 8n }))).toMatch(/over the limits/)
  })

  test('before the largest frame is more than a buffer of Node 20 can hold', () => {
    expect(PREFIX_BYTES + MAX_HEADER_BYTES + MAX_BODY_BYTES).toBeLessThanOrEqual(2 ** 32)
  })

  test('when a length is not padded', () => {
    expect(up(frame(17, { header: 7, bodies: 0n }))).toMatch(/no multiples of 8/)
    expect(up(frame(17, { header: 8, bodies: 1n }))).toMatch(/no multiples of 8/)
  })

  test('also when they arrive one by one', () => {
    const refused = fc.property(cuts, (lengths) => {
      const decode = createUpDecoder(() => undefined)
      const pieces = cut(frame(17, { header: 2 ** 31, bodies: 0n }), lengths)
      expect(() => pieces.forEach(decode)).toThrow(/over the limits/)
    })
    fc.assert(refused)
  })
})

describe('a frame is refused', () => {
  test.each([0, 1, 5, 27, 2 ** 32 - 1])('when its kind %i is no kind of a worker', (kind) => {
    expect(up(around(kind, {}))).toMatch(`its kind ${kind} is unknown`)
  })

  test.each([0, 6, 17, 26])('when its kind %i is no kind of a server', (kind) => {
    expect(down(around(kind, {}))).toMatch(`its kind ${kind} is unknown`)
  })

  test.each(['{"credit":', "{'credit':1}", '\0\0\0\0\0\0\0\0', ''])('when its header is %j', (text) => {
    const header = text.padEnd(padded(text.length))
    expect(up(frame(upNumbers.loaded, { header: header.length, bodies: 0n }, header))).toMatch(/is not JSON/)
  })

  test.each([
    [upNumbers.loaded, null, 'its loaded must be an object'],
    [upNumbers.loaded, [1], 'its loaded must be an object'],
    [upNumbers.loaded, {}, 'credit of its loaded must be a whole number from 0'],
    [upNumbers.credit, { credit: -1 }, 'credit of its credit must be'],
    [upNumbers.credit, { credit: 1.5 }, 'credit of its credit must be'],
    [upNumbers.started, { keys: 'all' }, 'keys of its started must be a list of keys'],
    [upNumbers.cancelled, { keys: ['1'] }, 'keys of its cancelled must be a list of keys'],
    [upNumbers.log, { level: 'fatal', message: '' }, 'level of its log must be one of debug'],
    [upNumbers['load-failed'], { message: 1, outOfMemory: false }, 'message of its load-failed must be'],
    [upNumbers.metric, { name: 'n', type: 'timer', unit: '', labels: {} }, 'type of its metric must be'],
    [upNumbers.chunk, { key: 1, body: 3 }, 'body of its chunk must be an object'],
    [upNumbers.chunk, { key: 1, head: {}, body: { bytes: 0 } }, 'status of its head must be'],
    [upNumbers.result, { key: 1, timing: {}, outcome: { kind: 'fine' } }, 'neither ok nor failed'],
    [upNumbers.result, { key: 1, timing: {}, outcome: { kind: 'failed' } }, 'reason of its outcome must be'],
    [upNumbers.result, { key: 1, timing: {}, outcome: { kind: 'ok' } }, 'status of its outcome must be'],
  ])('when a worker sends %i with the header %j', (kind, header, words) => {
    expect(up(around(kind, header))).toContain(words)
  })

  const job = { key: 1, id: 'a', operation: 'predict', headers: {}, input: { kind: 'parts', parts: [] } }
  test.each([
    [downNumbers.hello, {}, 'version of its hello must be'],
    [downNumbers.load, { model: 'm' }, 'version of its load must be a string'],
    [downNumbers.cancel, { keys: 7 }, 'keys of its cancel must be'],
    [downNumbers.jobs, { start: 1, jobs: [] }, 'start of its jobs must be true or false'],
    [downNumbers.jobs, { start: true, jobs: {} }, 'jobs of its jobs must be a list'],
    [downNumbers.jobs, { start: true, jobs: [null] }, 'its job must be an object'],
    [downNumbers.jobs, { start: true, jobs: [{ ...job, key: 'x' }] }, 'key of its job must be'],
    [downNumbers.jobs, { start: true, jobs: [{ ...job, input: {} }] }, 'neither parts nor tensors'],
    [
      downNumbers.jobs,
      { start: true, jobs: [{ ...job, input: { kind: 'parts', parts: [{ name: 'a' }] } }] },
      'body of its part must be an object',
    ],
    [
      downNumbers.jobs,
      { start: true, jobs: [{ ...job, input: { kind: 'tensors', tensors: [{ name: 'a' }] } }] },
      'type of its tensor must be a string',
    ],
  ])('when a server sends %i with the header %j', (kind, header, words) => {
    expect(down(around(kind, header))).toContain(words)
  })
})

describe('bodies whose sizes do not add up are refused', () => {
  const sized = (bytes: unknown, bodies: readonly Uint8Array[]) =>
    around(upNumbers.chunk, { key: 1, body: { bytes } }, bodies)

  test('when the header promises more than there is', () => {
    expect(up(sized(17, [new Uint8Array(16)]))).toContain('a body of 17 bytes is not in it')
    expect(up(sized(1, []))).toContain('a body of 1 bytes is not in it')
  })

  test('when the frame holds more than the header promises', () => {
    expect(up(sized(8, [new Uint8Array(16)]))).toContain('8 bytes of its bodies belong to nothing')
    expect(up(around(upNumbers.loaded, { credit: 1 }, [new Uint8Array(3)]))).toContain('belong to nothing')
    expect(down(around(downNumbers.stop, {}, [new Uint8Array(3)]))).toContain('belong to nothing')
  })

  test.each([-8, 0.5, '8', null, 2 ** 60])('when the size is %j', (bytes) => {
    expect(up(sized(bytes, [new Uint8Array(8)]))).toContain(`a body of ${String(bytes)} bytes cannot be`)
  })

  test.each([
    { file: 3, offset: 0, bytes: 1 },
    { file: '/x', offset: -1, bytes: 1 },
  ])('when the file is %j', (body) => {
    expect(up(around(upNumbers.chunk, { key: 1, body }))).toContain('a body is at no place in a file')
  })
})

test('a field of the header cannot stand in for the kind of the frame', () => {
  const kinds: string[] = []
  createUpDecoder(({ kind }) => kinds.push(kind))(around(upNumbers.loaded, { kind: 'result', credit: 2 }))
  createDownDecoder(({ kind }) => kinds.push(kind))(around(downNumbers.stop, { kind: 'jobs' }))
  expect(kinds).toEqual(['loaded', 'stop'])
})

test('damage to any byte but the lengths of a stream ends in messages or in a refusal, never in another error', () => {
  const damaged = fc.property(
    fc.array(upMessage, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    (messages, changes) => {
      const frames = messages.map((message) => Buffer.concat(encodeUp(message)))
      for (const [which, at, byte] of changes) {
        const damaged = frames[which % frames.length] ?? Buffer.alloc(0)
        // Not the lengths: a damaged length makes a decoder wait, rightly, for gigabytes.
        if (at % damaged.length < 4 || at % damaged.length >= PREFIX_BYTES)
          damaged[at % damaged.length] = byte
      }
      try {
        createUpDecoder(() => undefined)(Buffer.concat(frames))
      } catch (error) {
        expect(error).toBeInstanceOf(MarinaError)
      }
    },
  )
  fc.assert(damaged, { numRuns: 500 })
})

test('a message over the limits is refused where it is made', () => {
  expect(() => encodeUp({ kind: 'log', level: 'info', message: 'x'.repeat(MAX_HEADER_BYTES) })).toThrow(
    /over the limits/,
  )
})

test('padding is right beyond 2 GiB', () => {
  expect([0, 1, 8, 9, 2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 - 7].map(padded)).toEqual([
    0,
    8,
    8,
    16,
    2 ** 31,
    2 ** 31 + 8,
    2 ** 32,
  ])
})
