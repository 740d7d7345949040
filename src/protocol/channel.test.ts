/** One end of a connection over plain arrays: what leaves together, what is reported, and when it stops reading. */
import { describe, expect, test } from 'vitest'
import { createChannel } from './channel.js'
import { createUpDecoder, encodeDown, encodeUp } from './codec.js'
import type { DownMessage, UpMessage } from './messages.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function open(roomy = true) {
  const writes: Uint8Array[][] = []
  const messages: UpMessage[] = []
  const broken: unknown[] = []
  const channel = createChannel<DownMessage, UpMessage>({
    encode: encodeDown,
    createDecoder: createUpDecoder,
    write: (pieces) => {
      writes.push([...pieces])
      return roomy
    },
    onMessage: (message) => void messages.push(message),
    onBroken: (error) => void broken.push(error),
  })
  return { channel, writes, messages, broken }
}

const cancel = (key: number) => ({ kind: 'cancel', keys: [key] }) as unknown as DownMessage
const jobs = (data: Uint8Array) =>
  ({
    kind: 'jobs',
    start: false,
    jobs: [
      {
        key: 1,
        id: '',
        operation: 'predict',
        headers: {},
        input: { kind: 'parts', parts: [{ name: 'a', body: { kind: 'inline', data } }] },
      },
    ],
  }) as unknown as DownMessage

describe('sending', () => {
  test('messages of one turn leave in one write, in one piece, in order', async () => {
    const { channel, writes } = open()
    channel.send(cancel(1))
    channel.send(cancel(2))
    expect(writes).toEqual([])
    await turn()
    channel.send(cancel(3))
    await turn()
    const bytes = (...keys: number[]) => Buffer.concat(keys.flatMap((key) => encodeDown(cancel(key))))
    expect(writes).toEqual([[bytes(1, 2)], [bytes(3)]])
  })

  test('a large body leaves as it is, without a copy', async () => {
    const { channel, writes } = open()
    const data = new Uint8Array(100_000)
    channel.send(jobs(data))
    await turn()
    expect(writes).toHaveLength(1)
    expect(writes[0]?.some((piece) => piece === data)).toBe(true)
  })

  test('a flush writes at once, and nothing is written again', async () => {
    const { channel, writes } = open()
    channel.send(cancel(1))
    channel.flush()
    expect(writes).toHaveLength(1)
    await turn()
    channel.flush()
    expect(writes).toHaveLength(1)
  })

  test('the channel is congested from a write over the limit until the buffer has drained', () => {
    const { channel } = open(false)
    expect(channel.congested).toBe(false)
    channel.send(cancel(1))
    channel.flush()
    expect(channel.congested).toBe(true)
    channel.drained()
    expect(channel.congested).toBe(false)
  })
})

describe('receiving', () => {
  const loaded = Uint8Array.from(Buffer.concat(encodeUp({ kind: 'loaded', credit: 3 })))

  test('messages are handed on as they become whole', () => {
    const { channel, messages } = open()
    channel.receive(loaded.slice(0, 20))
    expect(messages).toEqual([])
    channel.receive(loaded.slice(20))
    channel.receive(loaded)
    expect(messages).toEqual([
      { kind: 'loaded', credit: 3 },
      { kind: 'loaded', credit: 3 },
    ])
  })

  test('bytes that are no frame are reported once, and nothing is read after them', () => {
    const { channel, messages, broken } = open()
    channel.receive(new Uint8Array(16).fill(255))
    channel.receive(new Uint8Array(16).fill(255))
    channel.receive(loaded)
    expect(broken).toHaveLength(1)
    expect(String(broken[0])).toContain('over the limits')
    expect(messages).toEqual([])
  })
})
