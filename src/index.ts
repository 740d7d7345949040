/**
 * The public names of the package `marina`: what a handler's author needs, and `load`. Parts have entries of their own.
 */
import type { LoadedModel, LoadOptions } from './serving/load-model.js'

export { MarinaError, errorTable, type ErrorCode } from './errors.js'
export {
  defineHandler,
  failure,
  header,
  isFailure,
  mainPart,
  reply,
  type Context,
  type Failure,
  type FullReply,
  type Handler,
  type Input,
  type Job,
  type Json,
  type Operation,
  type Part,
  type Reply,
  type ReplyBody,
  type Rows,
  type Step,
  type Tensor,
  type TensorData,
  type TensorType,
} from './handlers/handler.js'
export {
  openModel,
  type Model,
  type ModelOptions,
  type TensorSlot,
  type UnnamedTensor,
} from './handlers/model.js'
export type { AskOptions, LoadedModel, LoadOptions } from './serving/load-model.js'
export type { ModelAnswer, ModelInput } from './serving/model-answer.js'
export type { Logger } from './log.js'

/**
 * Loads a model into this program: `await using model = await load('embedding.mar'); await model.predict(png)`. It runs in
 * a worker process, so the caller's event loop stays free. `source` is an archive, an unpacked one, or a project folder.
 * See `LoadedModel` for who closes it, and `docs/handlers.md`.
 * @throws MarinaError `model-not-found`, `invalid-archive`, `invalid-file`, `misuse` for what cannot be read as a model;
 * `worker-failed` when its handler does not load, or does not answer its examples as promised
 */
export async function load<Answer = unknown>(
  source: string | URL,
  options?: LoadOptions,
): Promise<LoadedModel<Answer>> {
  // Not before it is called: handlers import this file in every worker.
  const { loadModel } = await import('./serving/load-model.js')
  return loadModel<Answer>(source, options)
}
