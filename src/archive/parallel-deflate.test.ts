/** Deflate in blocks: what others read back, and what it does to weights. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { deflateRawSync, gunzipSync, inflateRawSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deflateInParallel, gzipInParallel } from './parallel-deflate.js'

type Deflate = typeof deflateInParallel

async function packed(deflate: Deflate, chunks: readonly Uint8Array[]): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of deflate(chunked(chunks))) parts.push(part)
  return Buffer.concat(parts)
}

async function* chunked(chunks: readonly Uint8Array[]) {
  for (const chunk of chunks) yield await Promise.resolve(chunk)
}

const KIB = 1024
const text = Buffer.from('a line of text that repeats, number 12345\n'.repeat(60_000)) // 2.5 MB
const random = randomBytes(1700 * KIB)
/** Normally distributed 32-bit floats, as weights are. */
const weights = Buffer.from(
  Float32Array.from({ length: 500_000 }, (_, n) => {
    const u = ((n * 7919) % 500_009) / 500_009 + 1e-9
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * (((n * 104_729) % 500_009) / 500_009))
  }).buffer,
)

describe('a stream of blocks', () => {
  it.each([
    ['nothing', []],
    ['empty chunks', [new Uint8Array(), new Uint8Array()]],
    ['one byte', [Uint8Array.of(7)]],
    ['exactly one block', [Buffer.alloc(512 * KIB, 'x')]],
    ['exactly two blocks', [Buffer.alloc(1024 * KIB, 'x')]],
    ['a block and a byte', [Buffer.alloc(512 * KIB + 1, 'x')]],
    ['text', [text]],
    ['random bytes', [random]],
    ['weights', [weights]],
    ['all of them', [text, random, weights]],
  ])('of %s is inflated by zlib and by Python', async (_, chunks) => {
    const whole = Buffer.concat(chunks)
    const raw = await packed(deflateInParallel, chunks)
    expect(inflateRawSync(raw).equals(whole)).toBe(true)
    const gzip = await packed(gzipInParallel, chunks)
    expect(gunzipSync(gzip).equals(whole)).toBe(true)
    const script = 'import sys,gzip; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))'
    const byPython = execFileSync('python3', ['-c', script], { input: gzip, maxBuffer: 16 << 20 })
    expect(byPython.equals(whole)).toBe(true)
  })

  it('is the same however the bytes are divided into chunks', async () => {
    const whole = Buffer.concat([text.subarray(0, 700 * KIB), random.subarray(0, 700 * KIB)])
    const expected = await packed(deflateInParallel, [whole])
    const cuts = fc.array(fc.nat(whole.length), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const edges = [0, ...places.sort((a, b) => a - b), whole.length]
        const chunks = edges.slice(1).map((end, n) => whole.subarray(edges[n], end))
        expect((await packed(deflateInParallel, chunks)).equals(expected)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('is what plain zlib gives for less than a block', async () => {
    const small = text.subarray(0, 100 * KIB)
    expect((await packed(deflateInParallel, [small])).equals(deflateRawSync(small))).toBe(true)
  })
})

describe('the size', () => {
  const ratio = async (data: Buffer) =>
    (await packed(deflateInParallel, [data])).length / deflateRawSync(data).length

  it('of text in blocks is that of plain zlib within 1 %', async () => {
    const words = Array.from({ length: 300_000 }, (_, n) => ((n * n * 31) % 9973).toString(36)).join(' ')
    expect(await ratio(Buffer.from(words))).toBeLessThan(1.01)
    expect(await ratio(text)).toBeLessThan(1.2) // 0.4 % of the text either way
  })

  it('of random bytes is theirs, and weights shrink as much as with plain zlib, within 1 %', async () => {
    expect(await ratio(random)).toBeLessThan(1.001)
    expect(await ratio(weights)).toBeLessThan(1.01)
    expect((await packed(deflateInParallel, [weights])).length).toBeLessThan(weights.length * 0.95)
  })
})

it('an error of the source ends the stream with that error', async () => {
  async function* broken() {
    for (let n = 0; n < 5; n++) yield await Promise.resolve(random)
    throw new Error('the disk is gone')
  }
  const read = async () => {
    for await (const _ of deflateInParallel(broken()));
  }
  await expect(read()).rejects.toThrow('the disk is gone')
})
