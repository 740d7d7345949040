/** Small coloured pictures of four kinds, made from a seed: something to learn that is not MNIST. */
import type { Batch } from '../../src/training/index.js'
import { createRandom } from '../../src/training/random.js'

/** `[channels, height, width]`. */
export const SHAPE = [3, 16, 16] as const
/** Horizontal stripes, vertical stripes, a chequered ground, and noise only. */
export const CLASSES = 4

const patterns = [
  (row: number) => row % 4 < 2,
  (_: number, column: number) => column % 4 < 2,
  (row: number, column: number) => row % 4 < 2 !== column % 4 < 2,
  () => false,
]

/** A batch of pictures in random colours and places, under noise. */
export function stripes(rows: number, seed: number): Batch & { readonly data: Float32Array } {
  const random = createRandom(seed, 77)
  const [channels, height, width] = SHAPE
  const data = new Float32Array(rows * channels * height * width)
  const labels = Uint8Array.from({ length: rows }, () => random.below(CLASSES))
  let at = 0
  labels.forEach((label) => {
    const colour = Array.from({ length: channels }, () => 0.5 + random.uniform())
    const [down, right] = [random.below(4), random.below(4)]
    for (const strength of colour)
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
          const ink = patterns[label]?.(row + down, column + right) ? strength : 0
          data[at++] = ink + 0.5 * random.normal()
        }
  })
  return { data, labels }
}

/** `count` batches, each from a seed of its own. */
export function* stripeBatches(options: { rows: number; count: number; first?: number }): Generator<Batch> {
  const { rows, count, first = 0 } = options
  for (let number = first; number < count; number++) yield stripes(rows, number)
}
