/** Any shape as one list of features. */
import { defineOperator, type Shape } from '../operator.js'

const features = (shape: Shape) => shape.reduce((product, size) => product * size, 1)

const define = defineOperator<object>({
  name: 'flatten',
  output: (input) => [features(input)],
  forward: ({ graph, input, inputShape, batch }) => ({
    output: graph.node('Reshape', [input, graph.integers([batch, features(inputShape)])]),
  }),
  backward: ({ graph, gradient, inputShape, batch }) => ({
    input: graph.node('Reshape', [gradient, graph.integers([batch, ...inputShape])]),
    parameters: {},
  }),
  infer: ({ graph, input, inputShape }) =>
    graph.node('Reshape', [input, graph.integers([-1, features(inputShape)])]),
})

/** Turns `[channels, height, width]` into `[features]`. */
export const flatten = (options: { readonly name?: string } = {}) => define(options)
