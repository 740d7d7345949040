/** Measurements of an iris flower → its species: `{ "species": "setosa", "probability": 1 }`. */
import { join } from 'node:path'
import { defineHandler, failure, mainPart, openModel, type Failure, type Job } from 'marina'

const FEATURES = ['sepalLength', 'sepalWidth', 'petalLength', 'petalWidth'] as const
const SPECIES = ['setosa', 'versicolor', 'virginica'] as const

/** The four lengths in centimetres, or what is wrong with the request: a failure ends that request, not the others. */
function measurementsOf(job: Job): number[] | Failure {
  const body = Buffer.from(mainPart(job)?.data ?? []).toString()
  try {
    const flower = JSON.parse(body) as Record<string, unknown>
    return FEATURES.map((name) => lengthOf(name, flower[name]))
  } catch (error) {
    return failure(400, `Send JSON with ${FEATURES.join(', ')} in centimetres: ${(error as Error).message}`)
  }
}

function lengthOf(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw new Error(`${name} is ${JSON.stringify(value)}`)
}

/** Requests that wait together arrive as one batch: one array in, one run of the model, one array out. */
export default defineHandler({
  initialize: (context) => openModel(join(context.modelDir, 'model.onnx'), context),
  preprocess: (jobs) => jobs.map(measurementsOf),
  async inference(rows: readonly number[][], model) {
    const data = Float32Array.from(rows.flat())
    const probabilities = await model.floats([
      { type: 'float32', shape: [rows.length, FEATURES.length], data },
    ])
    return rows.map((_, at) => [...probabilities.subarray(at * SPECIES.length, (at + 1) * SPECIES.length)])
  },
  postprocess: (rows) =>
    rows.map((probabilities) => {
      const probability = Math.max(...probabilities)
      return { species: SPECIES[probabilities.indexOf(probability)] ?? '', probability }
    }),
  dispose: (model) => model.close(),
})
