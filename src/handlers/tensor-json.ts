/** Tensors as the Open Inference Protocol writes them in JSON, and batches of them joined and split along the first dimension. */
import { invalidShape } from '../errors.js'
import type { Json, Tensor, TensorData, TensorType } from './handler.js'
import type { Model } from './model.js'

const datatypes = {
  FP32: 'float32',
  FP64: 'float64',
  FP16: 'float16',
  INT8: 'int8',
  UINT8: 'uint8',
  INT16: 'int16',
  UINT16: 'uint16',
  INT32: 'int32',
  UINT32: 'uint32',
  INT64: 'int64',
  UINT64: 'uint64',
  BOOL: 'bool',
  BYTES: 'string',
} as const satisfies Record<string, TensorType>

const numeric = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const

/**
 * Reads one element of `inputs`; `data` may be nested or flat.
 * @throws MarinaError `invalid-shape` naming the tensor and what does not fit
 */
export function tensorFromJson(value: unknown): Tensor {
  const { name, shape, datatype, data } = value as {
    name?: unknown
    shape?: unknown
    datatype?: unknown
    data?: unknown
  }
  const label = typeof name === 'string' ? name : '(unnamed)'
  const type = (datatypes as Readonly<Record<string, TensorType>>)[String(datatype)]
  if (!type)
    throw invalidShape(`input '${label}': datatype must be one of ${Object.keys(datatypes).join(', ')}`)
  if (!Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw invalidShape(`input '${label}': shape must be a list of whole numbers`)
  }
  if (!Array.isArray(data)) throw invalidShape(`input '${label}': data must be a list`)
  const flat = data.flat(Infinity) as unknown[]
  const sizes = shape as number[]
  const elements = sizes.reduce((product, size) => product * size, 1)
  if (flat.length !== elements) {
    throw invalidShape(
      `input '${label}': ${flat.length} values for the shape [${sizes.join(', ')}], which has ${elements}`,
    )
  }
  return { name: label, type, shape: sizes, data: arrayOf(type, flat) }
}

function arrayOf(type: TensorType, values: readonly unknown[]): TensorData {
  if (type === 'string') return values.map(String)
  if (type === 'int64') return BigInt64Array.from(values, (value) => BigInt(value as number))
  if (type === 'uint64') return BigUint64Array.from(values, (value) => BigInt(value as number))
  return numeric[type].from(values.map(Number))
}

/** Writes one element of `outputs`; 64-bit integers become numbers. */
export function tensorToJson({ name, type, shape, data }: Tensor): Json {
  const datatype = Object.entries(datatypes).find(([, known]) => known === type)?.[0] ?? 'FP32'
  const values: Json[] = []
  for (const value of data) values.push(typeof value === 'bigint' ? Number(value) : value)
  return { name, datatype, shape: [...shape], data: values }
}

/** Whether these requests can run as one: the model leaves the first dimension of all inputs free, and all else agrees. */
export function batchable(
  rows: readonly (readonly Tensor[])[],
  model: Pick<Model, 'inputs' | 'outputs'>,
): boolean {
  const free = [...model.inputs, ...model.outputs].every(({ shape }) => typeof shape[0] === 'string')
  const signature = (tensors: readonly Tensor[]) =>
    tensors.map(({ name, type, shape }) => `${name} ${type} ${shape.slice(1).join()}`).join(';')
  const oneLength = (tensors: readonly Tensor[]) => new Set(tensors.map(({ shape }) => shape[0])).size === 1
  return free && new Set(rows.map(signature)).size === 1 && rows.every(oneLength)
}

/** Joins the requests' tensors along the first dimension, input by input. */
export function concatTensors(rows: readonly (readonly Tensor[])[]): Tensor[] {
  return (rows[0] ?? []).map((first, input) => {
    const parts = rows.flatMap((tensors) => tensors[input] ?? [])
    const length = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0)
    return {
      ...first,
      shape: [length, ...first.shape.slice(1)],
      data: concatData(parts.map(({ data }) => data)),
    }
  })
}

/** Splits outputs of a joined run into those of each request. */
export function splitTensors(outputs: readonly Tensor[], rows: readonly (readonly Tensor[])[]): Tensor[][] {
  let first = 0
  return rows.map((tensors) => {
    const length = tensors[0]?.shape[0] ?? 0
    const from = first
    first += length
    return outputs.map((output) => {
      const row = output.shape.slice(1).reduce((product, size) => product * size, 1)
      return {
        ...output,
        shape: [length, ...output.shape.slice(1)],
        data: output.data.slice(from * row, first * row),
      }
    })
  })
}

type NumericData = Exclude<TensorData, readonly string[]>
const isStrings = (data: TensorData): data is readonly string[] => Array.isArray(data)

function concatData(parts: readonly TensorData[]): TensorData {
  const [first] = parts
  if (first === undefined) return new Float32Array()
  if (isStrings(first)) return parts.flatMap((part) => (isStrings(part) ? part : []))
  const arrays = parts.filter((part): part is NumericData => !isStrings(part))
  const bytes = Buffer.concat(
    arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  )
  const Type = first.constructor as new (buffer: ArrayBuffer) => NumericData
  return new Type(new Uint8Array(bytes).buffer)
}
