/** ONNX models of one operation, for tests of what stands around a model. */
import { encodeModel, type ElementType } from '../../src/onnx/index.js'

/** y = x + x; the first dimension of both is free, unless `rows` says how many there must be. */
export function doublingModel(type: ElementType = 'float32', rows: number | string = 'n'): Uint8Array {
  const value = (name: string) => ({ name, type, shape: [rows, 2] })
  const node = { op: 'Add', inputs: ['x', 'x'], outputs: ['y'], attributes: {}, domain: '' }
  return encodeModel({
    name: 'doubles',
    opset: 17,
    nodes: [node],
    initializers: [],
    inputs: [value('x')],
    outputs: [value('y')],
    metadata: {},
  })
}
