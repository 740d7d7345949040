/** Optimisers, written into the graph: from a parameter, its gradient and its slots to the next values of both. */
import type { GraphBuilder } from '../onnx/index.js'

/** One parameter's update in the graph. */
export interface UpdatePass {
  readonly graph: GraphBuilder
  readonly parameter: string
  readonly gradient: string
  /** Values that the optimiser keeps for this parameter, by the names of `slots`. */
  readonly slots: Readonly<Record<string, string>>
  /** The scalar that {@link Optimizer.rate} gives for this step. */
  readonly rate: string
  readonly decay: boolean
}

/** An optimiser with its options. */
export interface Optimizer {
  readonly name: string
  /** Names of the values that are kept for each parameter, all of its shape, zero at first. */
  readonly slots: readonly string[]
  /** The rate that the graph is given in step `step` (from 0) for a learning rate; Adam corrects its bias here. */
  rate(learningRate: number, step: number): number
  update(pass: UpdatePass): { readonly parameter: string; readonly slots: Readonly<Record<string, string>> }
}

/** Adds weight decay to the gradient, where the parameter takes it. */
function decayed({ graph, parameter, gradient, decay }: UpdatePass, weightDecay: number): string {
  if (!decay || weightDecay === 0) return gradient
  return graph.node('Add', [gradient, graph.node('Mul', [parameter, graph.scalar(weightDecay)])])
}

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Default 0.9. */
  readonly momentum?: number
  /** L2 penalty, default 0; not on biases and norms. */
  readonly weightDecay?: number
}

/** Stochastic gradient descent with momentum, as PyTorch's: v ← μ·v + g, p ← p − rate·v. */
export function sgd({ momentum = 0.9, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  return {
    name: 'sgd',
    slots: ['velocity'],
    rate: (learningRate) => learningRate,
    update(pass) {
      const { graph, parameter, slots, rate } = pass
      const kept = graph.node('Mul', [slots['velocity'] ?? '', graph.scalar(momentum)])
      const velocity = graph.node('Add', [kept, decayed(pass, weightDecay)])
      return {
        parameter: graph.node('Sub', [parameter, graph.node('Mul', [velocity, rate])]),
        slots: { velocity },
      }
    },
  }
}

/** Options of {@link adam}. */
export interface AdamOptions {
  /** Default 0.9. */
  readonly beta1?: number
  /** Default 0.999. */
  readonly beta2?: number
  /** Default 1e-8; the bias correction is inside the rate, so this is Adam's "epsilon hat". */
  readonly epsilon?: number
  /** L2 penalty, default 0; not on biases and norms. */
  readonly weightDecay?: number
}

/** Adam (Kingma & Ba 2015, arXiv 1412.6980), in the form whose bias correction stands in the rate (end of its section 2). */
export function adam(options: AdamOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options
  return {
    name: 'adam',
    slots: ['mean', 'square'],
    rate: (learningRate, step) =>
      (learningRate * Math.sqrt(1 - beta2 ** (step + 1))) / (1 - beta1 ** (step + 1)),
    update(pass) {
      const { graph, parameter, slots, rate } = pass
      const gradient = decayed(pass, weightDecay)
      const average = (slot: string, value: string, beta: number) =>
        graph.node('Add', [
          graph.node('Mul', [slot, graph.scalar(beta)]),
          graph.node('Mul', [value, graph.scalar(1 - beta)]),
        ])
      const mean = average(slots['mean'] ?? '', gradient, beta1)
      const square = average(slots['square'] ?? '', graph.node('Mul', [gradient, gradient]), beta2)
      const size = graph.node('Add', [graph.node('Sqrt', [square]), graph.scalar(epsilon)])
      const move = graph.node('Mul', [graph.node('Div', [mean, size]), rate])
      return { parameter: graph.node('Sub', [parameter, move]), slots: { mean, square } }
    },
  }
}
