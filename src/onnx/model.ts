/** ONNX models as plain data, and their bytes. */
import { MarinaError, messageOf } from '../errors.js'
import { ModelProto } from './schema.js'

/** Element types by ONNX's names, with their numbers in the format. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const

/** Name of an element type. */
export type ElementType = keyof typeof elementTypes

/** A size, or the name of a size that is free. */
export type Dimension = number | string

/** A stored tensor; `data` holds its elements row-major and little-endian. */
export interface OnnxTensor {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** An input or output of a graph. */
export interface OnnxValue {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly Dimension[]
}

/** A node's attribute: a whole number or a list of them must be given as bigint, other numbers are floats. */
export type OnnxAttribute = number | bigint | string | readonly number[] | readonly bigint[]

/** One operation of a graph. */
export interface OnnxNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
  /** '' is ONNX's own set of operators. */
  readonly domain: string
}

/** A model. */
export interface OnnxModel {
  readonly name: string
  /** Version of ONNX's own set of operators. */
  readonly opset: number
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: Readonly<Record<string, string>>
}

const IR_VERSION = 8
const attributeTypes = { float: 1, int: 2, string: 3, floats: 6, ints: 7 } as const

/** Encodes a model as the bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const message = {
    irVersion: IR_VERSION,
    producerName: 'marina',
    opsetImport: [{ domain: '', version: model.opset }],
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.name,
      node: model.nodes.map((node) => ({
        input: node.inputs,
        output: node.outputs,
        name: node.outputs[0] ?? '',
        opType: node.op,
        domain: node.domain,
        attribute: Object.entries(node.attributes).map(([name, value]) => ({ name, ...attributeOf(value) })),
      })),
      initializer: model.initializers.map(({ name, type, shape, data }) => ({
        name,
        dims: shape,
        dataType: elementTypes[type],
        rawData: data,
      })),
      input: model.inputs.map(valueInfo),
      output: model.outputs.map(valueInfo),
    },
  }
  return ModelProto.encode(message).finish()
}

function attributeOf(value: OnnxAttribute) {
  if (typeof value === 'string') return { s: Buffer.from(value), type: attributeTypes.string }
  if (typeof value === 'bigint') return { i: Number(value), type: attributeTypes.int }
  if (typeof value === 'number') return { f: value, type: attributeTypes.float }
  const [first] = value
  if (typeof first === 'number') return { floats: value, type: attributeTypes.floats }
  return { ints: value.map(Number), type: attributeTypes.ints }
}

function valueInfo({ name, type, shape }: OnnxValue) {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } }
}

/** The parts of a decoded message that are used; protobufjs leaves out what the file does not have. */
interface RawModel {
  readonly opsetImport?: readonly { domain?: string; version?: number }[]
  readonly metadataProps?: readonly { key?: string; value?: string }[]
  readonly graph?: {
    readonly name?: string
    readonly node?: readonly RawNode[]
    readonly initializer?: readonly {
      name?: string
      dims?: number[]
      dataType?: number
      rawData?: Uint8Array
    }[]
    readonly input?: readonly RawValue[]
    readonly output?: readonly RawValue[]
  }
}
interface RawNode {
  readonly input?: string[]
  readonly output?: string[]
  readonly opType?: string
  readonly domain?: string
  readonly attribute?: readonly {
    name?: string
    f?: number
    i?: number
    s?: Uint8Array
    floats?: number[]
    ints?: number[]
    type?: number
  }[]
}
interface RawValue {
  readonly name?: string
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number
      readonly shape?: { readonly dim?: readonly { dimValue?: number; dimParam?: string }[] }
    }
  }
}

/**
 * Reads the bytes of an ONNX file. Weights that are stored as typed lists or outside the file come back empty: Marina looks
 * at such models, and leaves running them to ONNX Runtime.
 * @throws MarinaError `invalid-file` for bytes that are no ONNX model
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const raw = decodeRaw(bytes)
  const { graph } = raw
  if (!graph) throw notOnnx('it has no graph')
  const own = raw.opsetImport?.find(({ domain }) => (domain ?? '') === '' || domain === 'ai.onnx')
  return {
    name: graph.name ?? '',
    opset: own?.version ?? 0,
    metadata: Object.fromEntries((raw.metadataProps ?? []).map(({ key = '', value = '' }) => [key, value])),
    nodes: (graph.node ?? []).map((node) => ({
      op: node.opType ?? '',
      inputs: node.input ?? [],
      outputs: node.output ?? [],
      domain: node.domain ?? '',
      attributes: Object.fromEntries((node.attribute ?? []).flatMap(readAttribute)),
    })),
    initializers: (graph.initializer ?? []).map(({ name = '', dims = [], dataType, rawData }) => ({
      name,
      type: typeNamed(dataType),
      shape: dims,
      data: rawData ?? new Uint8Array(),
    })),
    inputs: (graph.input ?? []).map(readValue),
    outputs: (graph.output ?? []).map(readValue),
  }
}

function decodeRaw(bytes: Uint8Array): RawModel {
  try {
    return ModelProto.toObject(ModelProto.decode(bytes), { longs: Number })
  } catch (error) {
    throw notOnnx(messageOf(error), error)
  }
}

function readAttribute(raw: NonNullable<RawNode['attribute']>[number]): [string, OnnxAttribute][] {
  const { name = '', type } = raw
  if (type === attributeTypes.float) return [[name, raw.f ?? 0]]
  if (type === attributeTypes.int) return [[name, BigInt(raw.i ?? 0)]]
  if (type === attributeTypes.string) return [[name, Buffer.from(raw.s ?? []).toString('utf8')]]
  if (type === attributeTypes.floats) return [[name, raw.floats ?? []]]
  if (type === attributeTypes.ints) return [[name, (raw.ints ?? []).map(BigInt)]]
  return []
}

function readValue({ name = '', type }: RawValue): OnnxValue {
  const dims = type?.tensorType?.shape?.dim ?? []
  const shape = dims.map(({ dimValue, dimParam }) => (dimParam ? dimParam : (dimValue ?? '')))
  return { name, type: typeNamed(type?.tensorType?.elemType), shape }
}

function typeNamed(number: number | undefined): ElementType {
  const names = Object.keys(elementTypes) as ElementType[]
  const name = names.find((candidate) => elementTypes[candidate] === number)
  if (!name) throw notOnnx(`the element type ${number ?? 'none'} is unknown`)
  return name
}

const notOnnx = (why: string, cause?: unknown) =>
  new MarinaError('invalid-file', `These bytes are no ONNX model: ${why}.`, { cause })
