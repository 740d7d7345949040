/** A batch, and whether it fits the run that it is given to. */
import { invalidShape } from '../errors.js'
import type { NetworkInput } from './network.js'

/** Rows to train on. */
export interface Batch {
  /** `[batch, ...network.input.shape]`, row-major, of the network's input type. */
  readonly data: Uint8Array | Float32Array
  /** `[batch]`, each from 0 to below the loss's classes. */
  readonly labels: ArrayLike<number>
}

/** What a batch must fit. */
export interface BatchPlace {
  /** Number of the step, for the error. */
  readonly step: number
  readonly rows: number
  readonly input: NetworkInput
  readonly classes: number
}

/** The data as it was given. @throws MarinaError `invalid-shape` for another type or number of elements */
export function checkData(data: Batch['data'], { step, rows, input }: BatchPlace): Batch['data'] {
  const { shape, type } = input
  const elements = shape.reduce((product, size) => product * size, rows)
  const isType = type === 'uint8' ? data instanceof Uint8Array : data instanceof Float32Array
  if (isType && data.length === elements) return data
  throw invalidShape(
    `Step ${step}: the batch must be ${type} [${[rows, ...shape].join(', ')}] of ${elements} elements, ` +
      `not ${data.constructor.name} of ${data.length}`,
  )
}

/** The labels as ONNX takes them. @throws MarinaError `invalid-shape` for another number of labels, or one that is no class */
export function checkLabels(labels: Batch['labels'], { step, rows, classes }: BatchPlace): BigInt64Array {
  if (labels.length !== rows) {
    throw invalidShape(`Step ${step}: the batch has ${labels.length} labels for ${rows} rows`)
  }
  return BigInt64Array.from({ length: rows }, (_, row) => {
    const label = labels[row] ?? -1
    if (Number.isInteger(label) && label >= 0 && label < classes) return BigInt(label)
    throw invalidShape(`Step ${step}, row ${row}: the label ${label} is not from 0 to ${classes - 1}`)
  })
}
