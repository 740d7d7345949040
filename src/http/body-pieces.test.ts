import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyPieces } from './body-pieces.js'

test('pieces of any sizes come back in their order', () => {
  const sizes = fc.array(
    fc.oneof(fc.nat(20), fc.integer({ min: 1000, max: 1050 }), fc.integer({ min: 16_000, max: 17_000 })),
  )
  fc.assert(
    fc.property(sizes, (lengths) => {
      const all = lengths.map((length, i) => Buffer.alloc(length, i + 1))
      const pieces = new BodyPieces()
      all.forEach((piece) => pieces.add(piece))
      expect(pieces.join().equals(Buffer.concat(all))).toBe(true)
    }),
  )
})

test('a body in one piece is not copied', () => {
  const piece = Buffer.from('whole')
  const pieces = new BodyPieces()
  pieces.add(piece)
  expect(pieces.join()).toBe(piece)
})

test('a million pieces of one byte hold no more than a few blocks', () => {
  const pieces = new BodyPieces()
  const slab = Buffer.alloc(65_536, 'x')
  const before = heldBytes()
  for (let i = 0; i < 1_000_000; i++) pieces.add(slab.subarray(i % 65_536, (i % 65_536) + 1))
  expect(heldBytes() - before).toBeLessThan(2 ** 22)
  expect(pieces.join()).toHaveLength(1_000_000)
})

/** What is reachable, wherever the collector stands. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
