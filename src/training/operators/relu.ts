/** max(x, 0). */
import { defineOperator } from '../operator.js'

const define = defineOperator<object>({
  name: 'relu',
  output: (input) => input,
  forward: ({ graph, input }) => ({ output: graph.node('Relu', [input]) }),
  backward({ graph, output, gradient }) {
    // Float to bool and back is quicker than a comparison with a constant, and right: a positive output is not zero.
    const mask = graph.node('Cast', [graph.node('Cast', [output], { to: 9n })], { to: 1n })
    return { input: graph.node('Mul', [gradient, mask]), parameters: {} }
  },
  infer: ({ graph, input }) => graph.node('Relu', [input]),
})

/** A rectifier: negative values become zero. */
export const relu = (options: { readonly name?: string } = {}) => define(options)
