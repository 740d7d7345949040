/** First values of weights. */
import type { Random } from './random.js'

/** Normal with variance 2 / `fanIn`, for layers before a ReLU (He et al. 2015, arXiv 1502.01852). */
export const heNormal = (count: number, fanIn: number) => (random: Random) =>
  Float32Array.from({ length: count }, () => random.normal() * Math.sqrt(2 / fanIn))

/** Normal with variance 1 / `fanIn`, for layers without a non-linearity behind them (LeCun et al. 1998). */
export const lecunNormal = (count: number, fanIn: number) => (random: Random) =>
  Float32Array.from({ length: count }, () => random.normal() / Math.sqrt(fanIn))

/** All zero. */
export const zeros = (count: number) => () => new Float32Array(count)

/** All one. */
export const ones = (count: number) => () => new Float32Array(count).fill(1)
