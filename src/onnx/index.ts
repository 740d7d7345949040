/** Reading and writing ONNX models. */
export { GraphBuilder, bytesOf } from './builder.js'
export { decodeModel, elementTypes, encodeModel } from './model.js'
export type {
  Dimension,
  ElementType,
  OnnxAttribute,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValue,
} from './model.js'
