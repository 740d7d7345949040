/** A fully connected layer: y = W·x + b, the weight stored `[outputs, inputs]` as PyTorch has it. */
import { invalidShape } from '../../errors.js'
import { lecunNormal, zeros } from '../initial-values.js'
import { defineOperator } from '../operator.js'

/** Options of a fully connected layer. */
export interface DenseOptions {
  readonly outputs: number
  /** Default true; false where a batch norm follows. */
  readonly bias?: boolean
}

/** A fully connected layer with `outputs` features. */
export const dense = defineOperator<DenseOptions>({
  name: 'dense',

  output(input, { outputs }) {
    if (input.length !== 1)
      throw invalidShape(`takes [features], not [${input.join(', ')}]; put flatten() before it`)
    return [outputs]
  },

  parameters([inputs = 0], { outputs, bias = true }) {
    const initialize = lecunNormal(inputs * outputs, inputs)
    const weight = { name: 'weight', shape: [outputs, inputs], decay: true, initialize }
    return bias ? [weight, { name: 'bias', shape: [outputs], initialize: zeros(outputs) }] : [weight]
  },

  forward({ graph, input, parameters }) {
    const { weight = '', bias } = parameters
    const inputs = bias === undefined ? [input, weight] : [input, weight, bias]
    return { output: graph.node('Gemm', inputs, { transB: 1n }) }
  },

  backward({ graph, input, parameters, gradient, needsInput, batch, outputShape }) {
    const { weight = '', bias } = parameters
    const [outputs = 0] = outputShape
    // Columns are summed by a product with ones: quicker than ReduceSum over the first dimension.
    const sum = () =>
      graph.node('Reshape', [
        graph.node('MatMul', [graph.ones(1, batch), gradient]),
        graph.integers([outputs]),
      ])
    return {
      input: needsInput ? graph.node('MatMul', [gradient, weight]) : undefined,
      parameters: {
        weight: graph.node('Gemm', [gradient, input], { transA: 1n }),
        ...(bias === undefined ? {} : { bias: sum() }),
      },
    }
  },

  infer({ graph, input, values, options, inputShape, constant }) {
    const { weight = new Float32Array(), bias } = values
    const inputs = [input, constant('weight', { shape: [options.outputs, ...inputShape], data: weight })]
    if (bias) inputs.push(constant('bias', { shape: [options.outputs], data: bias }))
    return graph.node('Gemm', inputs, { transB: 1n })
  },

  absorb({ weight = new Float32Array(), bias }, { scale, shift }) {
    const perOutput = weight.length / scale.length
    return {
      weight: weight.map((value, at) => value * (scale[Math.floor(at / perOutput)] ?? 1)),
      bias: shift.map((value, at) => value + (bias?.[at] ?? 0) * (scale[at] ?? 1)),
    }
  },
})
