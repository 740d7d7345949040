/** Messages to bytes and back: what goes in comes out, however the stream is cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cut, cuts, downMessage, upMessage } from '../../test/protocol/arbitrary-messages.js'
import { createDownDecoder, createUpDecoder, encodeDown, encodeUp } from './codec.js'
import type { BodyRef, DownMessage, JobKey, UpMessage } from './messages.js'

const joined = (pieces: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(pieces))

function decodeDown(pieces: readonly Uint8Array[]): DownMessage[] {
  const messages: DownMessage[] = []
  const decode = createDownDecoder((message) => messages.push(message))
  pieces.forEach(decode)
  return messages
}

function decodeUp(pieces: readonly Uint8Array[]): UpMessage[] {
  const messages: UpMessage[] = []
  const decode = createUpDecoder((message) => messages.push(message))
  pieces.forEach(decode)
  return messages
}

const chunk = (data: Uint8Array): UpMessage => ({
  kind: 'chunk',
  key: 1 as JobKey,
  body: { kind: 'inline', data },
})

describe('a message', () => {
  test('to a worker comes out as it went in', () => {
    fc.assert(
      fc.property(downMessage, (message) => {
        expect(decodeDown([joined(encodeDown(message))])).toEqual([message])
      }),
    )
  })

  test('of a worker comes out as it went in', () => {
    fc.assert(
      fc.property(upMessage, (message) => {
        expect(decodeUp([joined(encodeUp(message))])).toEqual([message])
      }),
    )
  })

  test('comes out the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(downMessage, { maxLength: 5 }), cuts, (messages, lengths) => {
        const stream = joined(messages.flatMap(encodeDown))
        expect(decodeDown(cut(stream, lengths))).toEqual(messages)
      }),
    )
    fc.assert(
      fc.property(fc.array(upMessage, { maxLength: 5 }), cuts, (messages, lengths) => {
        const stream = joined(messages.flatMap(encodeUp))
        expect(decodeUp(cut(stream, lengths))).toEqual(messages)
      }),
    )
  })

  test('that has not wholly arrived is not handed on', () => {
    const stream = joined(encodeUp(chunk(Uint8Array.of(1, 2, 3))))
    for (let length = 0; length < stream.length; length++) {
      expect(decodeUp([stream.subarray(0, length)])).toEqual([])
    }
  })
})

describe('a body', () => {
  test('is a view into the bytes as they came, not a copy', () => {
    const stream = joined(encodeUp(chunk(new Uint8Array(1000).fill(7))))
    const [message] = decodeUp([stream])
    const body = message?.kind === 'chunk' ? message.body : undefined
    expect(body?.kind === 'inline' && body.data.buffer).toBe(stream.buffer)
  })

  test('is given to the writer as it is, not copied', () => {
    const data = new Uint8Array(1000)
    expect(encodeUp(chunk(data)).some((piece) => piece === data)).toBe(true)
  })

  test('begins where a typed array may begin, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(upMessage, { maxLength: 5 }), cuts, (messages, lengths) => {
        const bodies = decodeUp(cut(joined(messages.flatMap(encodeUp)), lengths)).map(bodyOf)
        for (const body of bodies) {
          if (body?.kind === 'inline' && body.data.length > 0) expect(body.data.byteOffset % 8).toBe(0)
        }
      }),
    )
  })

  test('begins where a typed array may begin behind the tail of another frame', () => {
    const stream = joined([...encodeUp(chunk(Uint8Array.of(1))), ...encodeUp(chunk(Uint8Array.of(2, 3)))])
    const moved = new Uint8Array(stream.length + 3)
    moved.set(stream, 3)
    const bodies = decodeUp([moved.subarray(3)]).map(bodyOf)
    expect(bodies.map((body) => body?.kind === 'inline' && body.data.byteOffset % 8)).toEqual([0, 0])
    expect(bodies.map((body) => body?.kind === 'inline' && [...body.data])).toEqual([[1], [2, 3]])
  })
})

function bodyOf(message: UpMessage): BodyRef | undefined {
  if (message.kind === 'chunk') return message.body
  return message.kind === 'result' && message.outcome.kind === 'ok' ? message.outcome.body : undefined
}
