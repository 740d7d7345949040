/**
 * The built-in handler `onnx`: an ONNX model as it is, tensors in, tensors out. A request is a tensor input, or JSON as
 * the Open Inference Protocol writes it: `{ "inputs": [{ "name", "shape", "datatype", "data" }] }`. Requests of one batch
 * are joined along the first dimension where the model leaves that free.
 */
import { join } from 'node:path'
import { MarinaError, messageOf } from '../errors.js'
import {
  defineHandler,
  failure,
  mainPart,
  type Context,
  type Failure,
  type Job,
  type Json,
  type Tensor,
} from './handler.js'
import { openModel, type Model } from './model.js'
import { batchable, concatTensors, splitTensors, tensorFromJson, tensorToJson } from './tensor-json.js'

async function initialize(context: Context): Promise<Model> {
  const file =
    (context.manifest as { model?: { serializedFile?: string } }).model?.serializedFile ?? 'model.onnx'
  return openModel(join(context.modelDir, file), context)
}

function tensorsOf(job: Job): readonly Tensor[] | Failure {
  if (job.input.kind === 'tensors') return job.input.tensors
  const part = mainPart(job)
  if (!part || part.data.length === 0)
    return failure(400, 'The request has no body: send {"inputs": [{"name", "shape", "datatype", "data"}]}.')
  try {
    const body = JSON.parse(Buffer.from(part.data).toString('utf8')) as { inputs?: unknown }
    if (!Array.isArray(body.inputs))
      return failure(400, 'The body must be {"inputs": [{"name", "shape", "datatype", "data"}]}.')
    return body.inputs.map(tensorFromJson)
  } catch (error) {
    return failure(400, `The body is no list of tensors: ${messageOf(error)}`)
  }
}

async function run(model: Model, inputs: readonly Tensor[]): Promise<readonly Tensor[] | Failure> {
  try {
    return await model.run(inputs)
  } catch (error) {
    if (error instanceof MarinaError && error.code === 'invalid-shape') return failure(400, error.message)
    throw error
  }
}

export default defineHandler<Model, readonly Tensor[], readonly Tensor[]>({
  initialize,
  preprocess: (jobs) => jobs.map(tensorsOf),
  async inference(rows, model) {
    if (rows.length > 1 && batchable(rows, model)) {
      const outputs = await run(model, concatTensors(rows))
      if (Array.isArray(outputs)) return splitTensors(outputs as readonly Tensor[], rows)
    }
    // One by one, so that a request that does not fit fails alone.
    const answers: (readonly Tensor[] | Failure)[] = []
    for (const inputs of rows) answers.push(await run(model, inputs))
    return answers
  },
  postprocess: (rows) => rows.map((tensors): Json => ({ outputs: tensors.map(tensorToJson) })),
  dispose: (model) => model.close(),
})
