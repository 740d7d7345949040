/** The stored frames (test/fixtures/frames/make.py) are the contract: both languages read them, and Python answers them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { cut } from '../../test/protocol/arbitrary-messages.js'
import { createDownDecoder, createUpDecoder, encodeDown, encodeUp } from './codec.js'
import { frameKinds, type DownMessage, type UpMessage } from './messages.js'

const folder = fileURLToPath(new URL('../../test/fixtures/frames/', import.meta.url))
const peer = fileURLToPath(new URL('../../test/protocol/peer.py', import.meta.url))
const names = readdirSync(folder).flatMap((file) => /^(.*)\.bin$/.exec(file)?.[1] ?? [])
const read = (name: string) => Uint8Array.from(readFileSync(join(folder, `${name}.bin`)))

/** messages.json with its hexadecimal digits as bytes again. */
const meanings = JSON.parse(readFileSync(join(folder, 'messages.json'), 'utf8'), (_, value: unknown) =>
  isInline(value) ? { ...value, data: Uint8Array.from(Buffer.from(value.data, 'hex')) } : value,
) as Readonly<Record<string, DownMessage | UpMessage>>

function isInline(value: unknown): value is { kind: 'inline'; data: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'inline'
}

function decode(name: string): (DownMessage | UpMessage)[] {
  const messages: (DownMessage | UpMessage)[] = []
  const take = (message: DownMessage | UpMessage) => void messages.push(message)
  const decoder = name.startsWith('down-') ? createDownDecoder(take) : createUpDecoder(take)
  decoder(read(name))
  return messages
}

describe('a stored frame', () => {
  test.each(names)('%s means what it says', (name) => {
    expect(decode(name)).toEqual([meanings[name]])
  })

  test.each(names)('%s is written again byte for byte', (name) => {
    const meaning = meanings[name]
    const pieces = name.startsWith('down-')
      ? encodeDown(meaning as DownMessage)
      : encodeUp(meaning as UpMessage)
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(read(name)))
  })

  test('is there for each kind of message, and each has a meaning', () => {
    const kindsOf = (direction: string) =>
      names.filter((name) => name.startsWith(direction)).map((name) => meanings[name]?.kind)
    expect(new Set(kindsOf('down-'))).toEqual(new Set(Object.keys(frameKinds.down)))
    expect(new Set(kindsOf('up-'))).toEqual(new Set(Object.keys(frameKinds.up)))
    expect(Object.keys(meanings).sort()).toEqual([...names].sort())
  })

  test('means the same in Python', async () => {
    const child = spawn('python3', [peer, ...names.map((name) => join(folder, `${name}.bin`))])
    const lines = (await text(child.stdout)).trim().split('\n')
    const plain = JSON.parse(readFileSync(join(folder, 'messages.json'), 'utf8')) as Record<string, unknown>
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(names.map((name) => plain[name]))
  })
})

/** Plays the server's stored frames to a worker in Python; resolves with what it says until it hangs up. */
async function play(frames: readonly string[], lengths: readonly number[]) {
  const cwd = mkdtempSync(join(tmpdir(), 'marina-frames-'))
  try {
    writeFileSync(join(cwd, 'big-body.bin'), '...hello...')
    const child = spawn('python3', [peer], { cwd, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    const socket = child.stdio[3] as Socket
    const messages: UpMessage[] = []
    socket.on('data', createUpDecoder((message) => messages.push(message)) as (bytes: Buffer) => void)
    const stream = Buffer.concat(frames.map(read))
    for (const piece of cut(stream, lengths)) socket.write(piece)
    const [code] = (await once(child, 'close')) as [number | null]
    return { messages, code, pid: child.pid }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

const ok = (id: string, { data, ...more }: { data: string; headers?: object; operation?: string }) => ({
  kind: 'ok',
  status: 200,
  headers: { 'x-request': id, 'x-operation': more.operation ?? 'predict', ...more.headers },
  body: { kind: 'inline', data: Uint8Array.from(Buffer.from(data)) },
})
const chunkBody = (data: string) => ({ kind: 'inline', data: Uint8Array.from(Buffer.from(data)) })
const timing = (batch: number) => ({ preprocessUs: 0, inferenceUs: 1, postprocessUs: 0, batch })
const floats = String.fromCharCode(0, 0, 0x80, 0x3f)

describe('a worker in Python', () => {
  const conversation = [
    'down-hello',
    'down-load',
    'down-jobs-start',
    'down-jobs-parts',
    'down-jobs-tensors',
    'down-jobs-file',
    'down-jobs-ahead',
    'down-cancel',
    'down-stop',
  ]

  test.each([[[1_000_000]], [[1]], [[7, 300, 16]]])(
    'answers the stored frames of a server, cut at %j',
    async (lengths) => {
      const { messages, code, pid } = await play(conversation, lengths)
      expect(code).toBe(0)
      const told = { kind: 'failed', reason: 'rejected', status: 422, message: 'told to fail: ü' }
      const named = { 'X-Name': 'Zoë' }
      const head = { status: 200, headers: ok('request-3', { data: '', headers: named }).headers }
      const streamed = ok('request-3', { data: '', headers: named })
      expect(messages.slice(0, 11)).toEqual([
        { kind: 'hello', version: 1, pid, runtime: 'python' },
        { kind: 'log', level: 'info', message: 'loading digits 1.0' },
        { kind: 'loaded', credit: 8 },
        { kind: 'result', key: 1, timing: timing(2), outcome: ok('request-1', { data: 'one' }) },
        { kind: 'result', key: 2, timing: timing(2), outcome: told },
        { kind: 'started', keys: [3, 4] },
        { kind: 'chunk', key: 3, head, body: chunkBody('str') },
        { kind: 'chunk', key: 3, body: chunkBody('eam') },
        { kind: 'result', key: 3, timing: timing(2), outcome: streamed },
        {
          kind: 'result',
          key: 4,
          timing: timing(2),
          outcome: ok('request-4', { data: '\0\u0001\u000212345678', operation: 'explain' }),
        },
        { kind: 'started', keys: [5] },
      ])
      const tensors = messages[11]
      const body = tensors?.kind === 'result' && tensors.outcome.kind === 'ok' && tensors.outcome.body
      expect(body && body.kind === 'inline' && Buffer.from(body.data).toString('latin1', 0, 4)).toBe(floats)
      expect(messages.slice(12)).toEqual([
        { kind: 'started', keys: [6] },
        { kind: 'result', key: 6, timing: timing(1), outcome: ok('request-6', { data: 'hello' }) },
        { kind: 'cancelled', keys: [7] },
        { kind: 'cancelled', keys: [8] },
      ])
    },
  )

  test('ends when the server hangs up without a word', async () => {
    const child = spawn('python3', [peer], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    const socket = child.stdio[3] as Socket
    socket.end(read('down-hello'))
    socket.resume()
    expect(await once(child, 'close')).toEqual([0, null])
  })
})
