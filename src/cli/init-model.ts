/** The model of a new project, written here: no Python, no download. */
import { bytesOf, GraphBuilder } from '../onnx/index.js'

/**
 * Means and standard deviations in centimetres of sepal length, sepal width, petal length and petal width, for setosa,
 * versicolor and virginica. Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", 1936.
 */
const MEANS = [
  [5.006, 3.428, 1.462, 0.246],
  [5.936, 2.77, 4.26, 1.326],
  [6.588, 2.974, 5.552, 2.026],
] as const
const DEVIATIONS = [
  [0.352, 0.379, 0.174, 0.105],
  [0.516, 0.314, 0.47, 0.198],
  [0.636, 0.322, 0.552, 0.275],
] as const

/**
 * Linear discriminants with the features taken as independent: `[n, 4]` float32 measurements → `[n, 3]` probabilities.
 * A class's score is x·(m/v) − m·(m/v)/2, with its mean m and the variance v that the classes share.
 */
export function irisModel(): Uint8Array {
  const graph = new GraphBuilder()
  const variances = MEANS[0].map(
    (_, feature) => DEVIATIONS.reduce((sum, row) => sum + (row[feature] ?? 0) ** 2, 0) / DEVIATIONS.length,
  )
  const slopes = MEANS.map((mean) => mean.map((value, feature) => value / (variances[feature] ?? 1)))
  const offsets = MEANS.map((mean, at) =>
    mean.reduce((sum, value, feature) => sum - (value * (slopes[at]?.[feature] ?? 0)) / 2, 0),
  )
  const x = graph.input({ name: 'measurements', type: 'float32', shape: ['n', 4] })
  const weights = graph.initializer('weights', floats([3, 4], slopes.flat()))
  const bias = graph.initializer('bias', floats([3], offsets))
  const scores = graph.node('Gemm', [x, weights, bias], { transB: 1n })
  const probabilities = graph.node('Softmax', [scores], { axis: 1n })
  graph.output(probabilities, { name: 'probabilities', type: 'float32', shape: ['n', 3] })
  return graph.encode('iris')
}

const floats = (shape: readonly number[], values: readonly number[]) => ({
  type: 'float32' as const,
  shape,
  data: bytesOf(Float32Array.from(values)),
})
