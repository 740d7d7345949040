/** `marina/training`: networks trained in TypeScript on ONNX Runtime, and the `.npy` files that their data comes in. */
export { sequential, type Network, type NetworkInput } from './network.js'
export { conv, type ConvOptions } from './operators/conv.js'
export { maxPool, type MaxPoolOptions } from './operators/max-pool.js'
export { relu } from './operators/relu.js'
export { batchNorm, type BatchNormOptions } from './operators/batch-norm.js'
export { dense, type DenseOptions } from './operators/dense.js'
export { flatten } from './operators/flatten.js'
export { l2Normalize } from './operators/l2-normalize.js'
export { arcFace, type ArcFaceOptions } from './operators/arc-face.js'
export { softmaxCrossEntropy } from './operators/softmax-cross-entropy.js'
export { adam, sgd, type AdamOptions, type Optimizer, type SgdOptions } from './optimizer.js'
export { constant, warmupCosine, type Schedule, type WarmupCosineOptions } from './schedule.js'
export { createTrainer } from './trainer.js'
export type { Batch } from './batch.js'
export type { FitOptions, StepResult, Trainer, TrainerOptions } from './trainer.js'
export {
  shiftImages,
  streamBatches,
  type ShardFiles,
  type ShiftOptions,
  type StreamOptions,
} from './shards.js'
export { defineOperator } from './operator.js'
export type {
  Affine,
  BackwardPass,
  BackwardResult,
  ForwardPass,
  ForwardResult,
  InferencePass,
  Layer,
  Operator,
  Shape,
  StateTensor,
  Values,
} from './operator.js'
export type { Loss, LossPass, LossResult } from './loss.js'
export type { ExportOptions } from './export.js'
export {
  readNpy,
  readNpyHeader,
  readNpyRows,
  writeNpy,
  type NpyArray,
  type NpyHeader,
  type NpyType,
} from '../npy.js'
