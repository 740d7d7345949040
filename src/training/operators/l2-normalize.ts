/** Scales each row to length one: what makes a feature vector an embedding on the sphere. */
import { invalidShape } from '../../errors.js'
import { defineOperator } from '../operator.js'

/** Keeps the gradient finite where a row is all zero. */
const EPSILON = 1e-12

const define = defineOperator<object>({
  name: 'l2Normalize',

  output(input) {
    if (input.length !== 1)
      throw invalidShape(`takes [features], not [${input.join(', ')}]; put flatten() before it`)
    return input
  },

  forward({ graph, input }) {
    const squares = graph.node('ReduceSum', [graph.node('Mul', [input, input]), graph.integers([1])], {
      keepdims: 1n,
    })
    const length = graph.node('Sqrt', [graph.node('Add', [squares, graph.scalar(EPSILON)])])
    return { output: graph.node('Div', [input, length]), saved: { length } }
  },

  backward({ graph, output, saved, gradient }) {
    // dx = (dy − y · (y·dy)) / |x|
    const along = graph.node('ReduceSum', [graph.node('Mul', [gradient, output]), graph.integers([1])], {
      keepdims: 1n,
    })
    const tangent = graph.node('Sub', [gradient, graph.node('Mul', [output, along])])
    return { input: graph.node('Div', [tangent, saved['length'] ?? '']), parameters: {} }
  },

  infer: ({ graph, input }) => graph.node('LpNormalization', [input], { axis: 1n, p: 2n }),
})

/** Rows of length one. */
export const l2Normalize = (options: { readonly name?: string } = {}) => define(options)
