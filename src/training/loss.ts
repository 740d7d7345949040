/** What a loss is: from the network's output and the labels to one number, with its gradient; it may have weights of its own. */
import type { GraphBuilder } from '../onnx/index.js'
import type { Shape, StateTensor } from './operator.js'

/** The forward pass of a loss. Labels are int64 `[batch]`, from 0. */
export interface LossPass {
  readonly graph: GraphBuilder
  readonly batch: number
  readonly input: string
  readonly inputShape: Shape
  readonly labels: string
  readonly parameters: Readonly<Record<string, string>>
}

/** What a loss writes into the graph. */
export interface LossResult {
  /** Mean over the batch, a scalar. */
  readonly loss: string
  /** Rows whose best class, without a margin, is their label: a scalar. */
  readonly correct: string
  /** Gradient of the loss by the input. */
  readonly input: string
  readonly parameters: Readonly<Record<string, string>>
}

/** A loss with its options. */
export interface Loss {
  readonly name: string
  /** Labels are 0 … classes − 1. */
  readonly classes: number
  /** @throws MarinaError `invalid-shape` for an output that it does not take */
  parameters(input: Shape): readonly StateTensor[]
  write(pass: LossPass): LossResult
}

/** One row per label with 1 at the label and 0 elsewhere, `[batch, classes]`. */
export function oneHot(graph: GraphBuilder, labels: string, classes: number): string {
  const depth = graph.integers([classes])
  return graph.node('OneHot', [
    labels,
    depth,
    graph.node('Concat', [asList(graph, 0), asList(graph, 1)], { axis: 0n }),
  ])
}

const asList = (graph: GraphBuilder, value: number) =>
  graph.node('Reshape', [graph.scalar(value), graph.integers([1])])

/** Rows whose largest score is at their label, as a float scalar. */
export function countCorrect(graph: GraphBuilder, scores: string, labels: string): string {
  const best = graph.node('ArgMax', [scores], { axis: 1n, keepdims: 0n })
  const hits = graph.node('Cast', [graph.node('Equal', [best, labels])], { to: 1n })
  return graph.node('ReduceSum', [hits], { keepdims: 0n })
}

/** Mean softmax cross-entropy of `scores` and its gradient by them, both over a one-hot target. */
export function crossEntropy(
  graph: GraphBuilder,
  { scores, target, batch }: { scores: string; target: string; batch: number },
): { loss: string; gradient: string } {
  const logs = graph.node('LogSoftmax', [scores], { axis: 1n })
  const total = graph.node('ReduceSum', [graph.node('Mul', [logs, target])], { keepdims: 0n })
  const loss = graph.node('Mul', [total, graph.scalar(-1 / batch)])
  const excess = graph.node('Sub', [graph.node('Exp', [logs]), target])
  return { loss, gradient: graph.node('Mul', [excess, graph.scalar(1 / batch)]) }
}
