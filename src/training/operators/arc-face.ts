/**
 * ArcFace (Deng et al. 2019, arXiv 1801.07698): each class has a direction on the sphere, and an embedding must be nearer
 * to its own by an angle of `margin` than softmax would ask. Embeddings must be of length one.
 */
import { invalidShape } from '../../errors.js'
import type { GraphBuilder } from '../../onnx/index.js'
import { lecunNormal } from '../initial-values.js'
import { countCorrect, crossEntropy, oneHot, type Loss } from '../loss.js'

/** Options of the loss. */
export interface ArcFaceOptions {
  readonly classes: number
  /** Factor on the cosines; default 30. */
  readonly scale?: number
  /** Angle in radians; default 0.5. */
  readonly margin?: number
}

/** Keeps sin θ away from zero, where its gradient would not be finite. */
const EPSILON = 1e-6

/** The loss over embeddings `[dimension]` of length one. */
export function arcFace({ classes, scale = 30, margin = 0.5 }: ArcFaceOptions): Loss {
  return {
    name: 'arcFace',
    classes,

    parameters(input) {
      const [dimension = 0] = input
      if (input.length !== 1) throw invalidShape(`takes embeddings [dimension], not [${input.join(', ')}]`)
      const initialize = lecunNormal(classes * dimension, dimension)
      return [{ name: 'weight', shape: [classes, dimension], decay: true, initialize }]
    },

    write({ graph, batch, input, labels, parameters }) {
      const { weight = '' } = parameters
      const { centres, length } = normalizeRows(graph, weight)
      const cosines = graph.node('Gemm', [input, centres], { transB: 1n })
      const target = oneHot(graph, labels, classes)
      const { moved, slope } = addMargin(graph, { cosines, target, margin })
      const scores = graph.node('Mul', [moved, graph.scalar(scale)])
      const { loss, gradient } = crossEntropy(graph, { scores, target, batch })
      const byCosine = graph.node('Mul', [graph.node('Mul', [gradient, graph.scalar(scale)]), slope])
      const byCentre = graph.node('Gemm', [byCosine, input], { transA: 1n })
      // Through the length of the class's direction: only what turns it counts.
      const along = rowSums(graph, graph.node('Mul', [byCentre, centres]))
      const turning = graph.node('Sub', [byCentre, graph.node('Mul', [centres, along])])
      return {
        loss,
        correct: countCorrect(graph, cosines, labels),
        input: graph.node('MatMul', [byCosine, centres]),
        parameters: { weight: graph.node('Div', [turning, length]) },
      }
    },
  }
}

const rowSums = (graph: GraphBuilder, value: string) =>
  graph.node('ReduceSum', [value, graph.integers([1])], { keepdims: 1n })

function normalizeRows(graph: GraphBuilder, weight: string): { centres: string; length: string } {
  const squares = rowSums(graph, graph.node('Mul', [weight, weight]))
  const length = graph.node('Sqrt', [graph.node('Add', [squares, graph.scalar(1e-12)])])
  return { centres: graph.node('Div', [weight, length]), length }
}

/**
 * Replaces the cosine at each row's label by cos(θ + m), and gives the derivative of each entry by its cosine. Where
 * θ + m would pass π, the cosine is lowered by m · sin m instead, so that it goes on falling (as in the authors' code).
 */
function addMargin(
  graph: GraphBuilder,
  { cosines, target, margin }: { cosines: string; target: string; margin: number },
): { moved: string; slope: string } {
  const [cosM, sinM] = [Math.cos(margin), Math.sin(margin)]
  const own = rowSums(graph, graph.node('Mul', [cosines, target]))
  const room = graph.node('Sub', [graph.scalar(1), graph.node('Mul', [own, own])])
  const sine = graph.node('Sqrt', [graph.node('Max', [room, graph.scalar(EPSILON)])])
  const turned = graph.node('Sub', [
    graph.node('Mul', [own, graph.scalar(cosM)]),
    graph.node('Mul', [sine, graph.scalar(sinM)]),
  ])
  const lowered = graph.node('Sub', [own, graph.scalar(margin * sinM)])
  const fits = graph.node('Greater', [own, graph.scalar(Math.cos(Math.PI - margin))])
  const wanted = graph.node('Where', [fits, turned, lowered])
  const steep = graph.node('Add', [
    graph.scalar(cosM),
    graph.node('Div', [graph.node('Mul', [own, graph.scalar(sinM)]), sine]),
  ])
  const derivative = graph.node('Where', [fits, steep, graph.scalar(1)])
  const change = (by: string) => graph.node('Mul', [target, by])
  const moved = graph.node('Add', [cosines, change(graph.node('Sub', [wanted, own]))])
  const slope = graph.node('Add', [graph.scalar(1), change(graph.node('Sub', [derivative, graph.scalar(1)]))])
  return { moved, slope }
}
