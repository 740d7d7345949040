/** Pictures that are no digit, made from a seed: what the index must learn to call unknown. */
import { SIDE } from './digit.js'

/** A small seeded generator of numbers in [0, 1): mulberry32, a public-domain algorithm by Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` scribbles of 28×28 bytes each, row after row: crossing strokes, plaids, spirals and filled shapes. */
export function foreignImages(count: number, seed: number): Uint8Array {
  const random = seededRandom(seed)
  const images = new Uint8Array(count * SIDE * SIDE)
  for (let row = 0; row < count; row++) {
    const image = images.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE)
    const kind = kinds[Math.floor(random() * kinds.length)] ?? scribble
    kind(image, random)
  }
  return images
}

type Painter = (image: Uint8Array, random: () => number) => void

const scribble: Painter = (image, random) => {
  const strokes = 4 + Math.floor(random() * 4)
  for (let n = 0; n < strokes; n++) {
    stroke(image, { x: at(random), y: at(random) }, { x: at(random), y: at(random) })
  }
}

const plaid: Painter = (image, random) => {
  const gap = 4 + Math.floor(random() * 3)
  for (let line = 5 + Math.floor(random() * 3); line < 24; line += gap) {
    stroke(image, { x: 4, y: line }, { x: 23, y: line + random() * 3 })
    stroke(image, { x: line, y: 4 }, { x: line + random() * 3, y: 23 })
  }
}

const spiral: Painter = (image, random) => {
  const turns = 2 + random()
  let from = { x: 14, y: 14 }
  for (let angle = 0; angle < turns * 2 * Math.PI; angle += 0.3) {
    const radius = (angle / (turns * 2 * Math.PI)) * 10
    const to = { x: 14 + radius * Math.cos(angle), y: 14 + radius * Math.sin(angle) }
    stroke(image, from, to)
    from = to
  }
}

const blot: Painter = (image, random) => {
  const [width, height] = [8 + random() * 11, 8 + random() * 11]
  for (let y = 14 - height / 2; y < 14 + height / 2; y++) {
    stroke(image, { x: 14 - width / 2, y }, { x: 14 + width / 2, y })
  }
}

const kinds = [scribble, scribble, plaid, spiral, blot]
const at = (random: () => number) => 4 + random() * 20

interface Point {
  readonly x: number
  readonly y: number
}

/** Draws a line about two pixels wide with soft edges. */
function stroke(image: Uint8Array, from: Point, to: Point): void {
  const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 2) + 1
  for (let step = 0; step <= steps; step++) {
    const x = from.x + ((to.x - from.x) * step) / steps
    const y = from.y + ((to.y - from.y) * step) / steps
    for (let row = Math.floor(y) - 1; row <= y + 2; row++) {
      for (let column = Math.floor(x) - 1; column <= x + 2; column++) {
        if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) continue
        const ink = Math.max(0, Math.min(255, 400 - 230 * Math.hypot(column - x, row - y)))
        image[row * SIDE + column] = Math.max(image[row * SIDE + column] ?? 0, ink)
      }
    }
  }
}
