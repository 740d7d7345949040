/**
 * Batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167) over `[channels, height, width]` or `[features]`: in
 * training by the batch's own mean and variance, at inference by their moving averages.
 */
import type { GraphBuilder } from '../../onnx/index.js'
import { ones, zeros } from '../initial-values.js'
import { defineOperator, type Affine, type Shape, type Values } from '../operator.js'

/** Options of a batch norm. */
export interface BatchNormOptions {
  /** Added to the variance; default 1e-5, as PyTorch has it. */
  readonly epsilon?: number
  /** Weight of the newest batch in the moving averages; default 0.1, as PyTorch has it. */
  readonly momentum?: number
}

const EPSILON = 1e-5
const MOMENTUM = 0.1

/** Numbers that each channel has in a batch, and the shape in which a channel's value meets them. */
function layout(shape: Shape, batch: number) {
  const [channels = 0, ...area] = shape
  const pixels = area.reduce((product, size) => product * size, 1)
  return { channels, pixels, count: batch * pixels, broadcast: [1, channels, ...area.map(() => 1)] }
}

/** Sums each channel: along the pixels first, then down the batch by a product with ones, which is the quick way. */
function channelSums(
  graph: GraphBuilder,
  value: string,
  { shape, batch }: { shape: Shape; batch: number },
): string {
  const { channels, pixels, broadcast } = layout(shape, batch)
  const rows =
    pixels === 1
      ? value
      : graph.node(
          'ReduceSum',
          [graph.node('Reshape', [value, graph.integers([batch, channels, pixels])]), graph.integers([2])],
          {
            keepdims: 0n,
          },
        )
  return graph.node('Reshape', [
    graph.node('MatMul', [graph.ones(1, batch), rows]),
    graph.integers(broadcast),
  ])
}

const define = defineOperator<BatchNormOptions>({
  name: 'batchNorm',
  output: (input) => input,

  parameters: ([channels = 0]) => [
    { name: 'scale', shape: [channels], initialize: ones(channels) },
    { name: 'shift', shape: [channels], initialize: zeros(channels) },
  ],

  statistics: ([channels = 0]) => [
    { name: 'mean', shape: [channels], initialize: zeros(channels) },
    { name: 'variance', shape: [channels], initialize: ones(channels) },
  ],

  forward({ graph, input, inputShape, batch, parameters, statistics, options }) {
    const { epsilon = EPSILON, momentum = MOMENTUM } = options
    const { channels, count, broadcast } = layout(inputShape, batch)
    const { scale = '', shift = '' } = parameters
    const place = { shape: inputShape, batch }
    const spread = (name: string) => graph.node('Reshape', [name, graph.integers(broadcast)])
    const gather = (name: string) => graph.node('Reshape', [name, graph.integers([channels])])
    const share = graph.scalar(1 / count)
    const mean = graph.node('Mul', [channelSums(graph, input, place), share])
    const centred = graph.node('Sub', [input, mean])
    const squares = channelSums(graph, graph.node('Mul', [centred, centred]), place)
    const variance = graph.node('Mul', [squares, share])
    const deviation = graph.node('Sqrt', [graph.node('Add', [variance, graph.scalar(epsilon)])])
    const inverse = graph.node('Reciprocal', [deviation])
    const gain = graph.node('Mul', [inverse, spread(scale)])
    const output = graph.node('Add', [graph.node('Mul', [centred, gain]), spread(shift)])
    const move = (old: string, batchValue: string, factor: number) =>
      graph.node('Add', [
        graph.node('Mul', [old, graph.scalar(1 - momentum)]),
        graph.node('Mul', [gather(batchValue), graph.scalar(momentum * factor)]),
      ])
    return {
      output,
      saved: { centred, inverse, gain },
      statistics: {
        mean: move(statistics['mean'] ?? '', mean, 1),
        // The unbiased estimate goes into the average, as in PyTorch.
        variance: move(statistics['variance'] ?? '', variance, count / Math.max(1, count - 1)),
      },
    }
  },

  backward({ graph, gradient, saved, inputShape, batch, needsInput }) {
    const { centred = '', inverse = '', gain = '' } = saved
    const { channels, count } = layout(inputShape, batch)
    const place = { shape: inputShape, batch }
    const gather = (name: string) => graph.node('Reshape', [name, graph.integers([channels])])
    const byShift = channelSums(graph, gradient, place)
    const byScale = graph.node('Mul', [
      channelSums(graph, graph.node('Mul', [gradient, centred]), place),
      inverse,
    ])
    const share = graph.scalar(1 / count)
    // dx = gain · (dy − mean(dy) − x̂ · mean(dy · x̂)), with x̂ = centred · inverse
    const slope = graph.node('Mul', [graph.node('Mul', [byScale, inverse]), share])
    const inner = graph.node('Sub', [
      graph.node('Sub', [gradient, graph.node('Mul', [byShift, share])]),
      graph.node('Mul', [centred, slope]),
    ])
    return {
      input: needsInput ? graph.node('Mul', [inner, gain]) : undefined,
      parameters: { scale: gather(byScale), shift: gather(byShift) },
    }
  },

  infer({ graph, input, inputShape, values, options, constant }) {
    const { scale, shift } = affineOf(values, options)
    const [channels = 0, ...area] = inputShape
    const shape = [channels, ...area.map(() => 1)]
    const scaled = graph.node('Mul', [input, constant('gain', { shape, data: scale })])
    return graph.node('Add', [scaled, constant('offset', { shape, data: shift })])
  },

  affine: affineOf,
})

function affineOf(values: Values, { epsilon = EPSILON }: BatchNormOptions): Affine {
  const { scale = new Float32Array(), shift = [], mean = [], variance = [] } = values
  const gain = scale.map((value, at) => value / Math.sqrt((variance[at] ?? 0) + epsilon))
  return { scale: gain, shift: gain.map((value, at) => (shift[at] ?? 0) - value * (mean[at] ?? 0)) }
}

/** A batch norm. */
export const batchNorm = (options: BatchNormOptions & { readonly name?: string } = {}) => define(options)
