/** Maximum over windows that do not overlap. What does not fill a window at the right and bottom edge is left out. */
import type { GraphBuilder } from '../../onnx/index.js'
import { invalidShape } from '../../errors.js'
import { defineOperator, type Shape } from '../operator.js'

/** Options of a max pool. */
export interface MaxPoolOptions {
  /** Side of the square window, and its step. */
  readonly size: number
}

const attributesOf = ({ size }: MaxPoolOptions) => ({
  kernel_shape: [size, size].map(BigInt),
  strides: [size, size].map(BigInt),
})

/** The maximum along one axis of windows laid side by side, and which of them had it. */
interface Tournament {
  readonly winner: string
  /** For each member but the first, 1 where it beat all before it, 0 elsewhere. */
  readonly beaten: readonly string[]
}

/** Ties go to the first member: an equality mask would count them twice, and the ground of a drawing is all ties. */
function compete(graph: GraphBuilder, members: readonly string[]): Tournament {
  let [winner = ''] = members
  const beaten = members.slice(1).map((member) => {
    const isGreater = graph.node('Cast', [graph.node('Greater', [member, winner])], { to: 1n })
    winner = graph.node('Max', [winner, member])
    return isGreater
  })
  return { winner, beaten }
}

/** Hands the gradient of a tournament's winner back to its members, in their order. */
function distribute(graph: GraphBuilder, gradient: string, beaten: readonly string[]): string[] {
  const members: string[] = []
  let remaining = gradient
  for (const isGreater of [...beaten].reverse()) {
    const share = graph.node('Mul', [remaining, isGreater])
    members.unshift(share)
    remaining = graph.node('Sub', [remaining, share])
  }
  return [remaining, ...members]
}

/** Sizes of an input of `planes` planes: `used` is what windows fill. */
function layout([channels = 0, height = 0, width = 0]: Shape, { size, batch = 1 }: LayoutOptions) {
  const [rows, columns] = [Math.floor(height / size), Math.floor(width / size)]
  const used = { height: rows * size, width: columns * size }
  return { channels, planes: batch * channels, height, width, rows, columns, used }
}

interface LayoutOptions extends MaxPoolOptions {
  readonly batch?: number
}

const reshape = (graph: GraphBuilder, value: string, shape: readonly number[]) =>
  graph.node('Reshape', [value, graph.integers(shape)])

/** The first `to` of the `from` places along the second axis of a tensor. */
function crop(graph: GraphBuilder, value: string, { from, to }: { from: number; to: number }): string {
  if (from === to) return value
  return graph.node('Slice', [value, graph.integers([0]), graph.integers([to]), graph.integers([1])])
}

/** Zeros behind the second of three axes, from `from` up to `to` places. */
function widen(graph: GraphBuilder, value: string, { from, to }: { from: number; to: number }): string {
  return from === to ? value : graph.node('Pad', [value, graph.integers([0, 0, 0, 0, to - from, 0])])
}

const define = defineOperator<MaxPoolOptions>({
  name: 'maxPool',
  selects: true,

  output(input, { size }) {
    const { channels, rows, columns } = layout(input, { size })
    if (input.length !== 3 || rows < 1 || columns < 1) {
      throw invalidShape(
        `takes [channels, height, width] of at least ${size}×${size}, not [${input.join(', ')}]`,
      )
    }
    return [channels, rows, columns]
  },

  forward({ graph, input, inputShape, outputShape, batch, options: { size } }) {
    const { planes, height, width, rows, columns, used } = layout(inputShape, { size, batch })
    const split = (value: string, axis: number) =>
      graph.nodes('Split', [value], { outputs: size, attributes: { axis: BigInt(axis) } })
    // First between rows, then within them: two tournaments of `size` members instead of one of its square, and the one that
    // must pick single elements apart comes when most of them are out.
    const plane = reshape(graph, input, [planes, height, width])
    const bands = crop(graph, plane, { from: height, to: used.height })
    const byRow = compete(graph, split(reshape(graph, bands, [planes * rows, size, width]), 1))
    const line = crop(graph, reshape(graph, byRow.winner, [planes * rows, width]), {
      from: width,
      to: used.width,
    })
    const byColumn = compete(graph, split(reshape(graph, line, [planes * rows, columns, size]), 2))
    const named = (name: string, masks: readonly string[]) =>
      masks.map((mask, at) => [`${name}${at}`, mask] as const)
    return {
      output: reshape(graph, byColumn.winner, [batch, ...outputShape]),
      saved: Object.fromEntries([...named('row', byRow.beaten), ...named('column', byColumn.beaten)]),
    }
  },

  backward({ graph, gradient, saved, inputShape, batch, options: { size } }) {
    const { planes, height, width, rows, columns, used } = layout(inputShape, { size, batch })
    const masks = (name: string) => Array.from({ length: size - 1 }, (_, at) => saved[`${name}${at}`] ?? '')
    const join = (members: readonly string[], axis: bigint) => graph.node('Concat', members, { axis })
    const single = reshape(graph, gradient, [planes * rows, columns, 1])
    const line = join(distribute(graph, single, masks('column')), 2n)
    const wide = widen(graph, reshape(graph, line, [planes * rows, used.width, 1]), {
      from: used.width,
      to: width,
    })
    const bands = join(distribute(graph, reshape(graph, wide, [planes * rows, 1, width]), masks('row')), 1n)
    const plane = reshape(graph, bands, [planes, used.height, width])
    const input = widen(graph, plane, { from: used.height, to: height })
    return { input: reshape(graph, input, [batch, ...inputShape]), parameters: {} }
  },

  infer: ({ graph, input, options }) => graph.node('MaxPool', [input], attributesOf(options)),
})

/** A max pool with windows of `size`×`size`. */
export const maxPool = (size: number, options: { readonly name?: string } = {}) =>
  define({ size, ...options })
