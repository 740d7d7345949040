/** Seeded random numbers: the same seed gives the same run. */

/** A generator whose state can be stored. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Normal with mean 0 and variance 1 (Box–Muller). */
  normal(): number
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
}

/** Makes a generator from a seed and any further numbers that tell streams apart: epoch, step… (mulberry32). */
export function createRandom(seed: number, ...stream: readonly number[]): Random {
  let state = mix([seed, ...stream])
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (limit) => Math.floor(uniform() * limit),
  }
}

/** Neighbouring seeds must not give neighbouring streams: each number goes through a hash (FNV-1a over its bytes). */
function mix(numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    for (let shift = 0; shift < 32; shift += 8)
      hash = Math.imul(hash ^ ((number >>> shift) & 0xff), 0x01000193)
  }
  return hash >>> 0
}

/** A random order of 0 … count − 1 (Fisher–Yates). */
export function permutation(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, at) => at)
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const kept = order[at] ?? 0
    order[at] = order[other] ?? 0
    order[other] = kept
  }
  return order
}
