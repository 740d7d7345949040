/** The ONNX graph that scores all rows of an index for a batch of queries, and takes the best. */
import { bytesOf, GraphBuilder } from '../onnx/index.js'

/** What stands in the graph. */
export interface ScoreGraph {
  /** Row-major `[count, dimension]`. As a constant, ONNX Runtime packs it once for its kernels: twice as fast as an input. */
  readonly vectors: Float32Array
  readonly dimension: number
  /** Added to the scores of each row: `-|x|²/2` for L2. */
  readonly bias: Float32Array | undefined
}

/**
 * Encodes the graph `queries [n, dimension], width [1] → scores [n, width], rows [n, width]`, scores from the highest down.
 * `Gemm` adds the bias itself, in its last pass over the scores.
 */
export function encodeScoreGraph({ vectors, dimension, bias }: ScoreGraph): Uint8Array {
  const graph = new GraphBuilder()
  const count = vectors.length / dimension
  const queries = graph.input({ name: 'queries', type: 'float32', shape: ['queries', dimension] })
  const width = graph.input({ name: 'width', type: 'int64', shape: [1] })
  const constant = (name: string, shape: readonly number[], values: Float32Array) =>
    graph.initializer(name, { type: 'float32', shape, data: bytesOf(values) })
  const matrix = constant('vectors', [count, dimension], vectors)
  const added = bias ? [constant('bias', [count], bias)] : []
  const all = graph.node('Gemm', [queries, matrix, ...added], { transB: 1n })
  const [scores = '', rows = ''] = graph.nodes('TopK', [all, width], { outputs: 2 })
  graph.output(scores, { name: 'scores', type: 'float32', shape: ['queries', 'width'] })
  graph.output(rows, { name: 'rows', type: 'int64', shape: ['queries', 'width'] })
  return graph.encode('scores')
}
