/** Writes a graph node by node: names are made here, so that whoever builds a graph thinks in values. */
import {
  encodeModel,
  type ElementType,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './model.js'

/** The version of ONNX's operators that all graphs of Marina are written for. */
export const OPSET = 17

/** The bytes of a typed array, row-major and little-endian (as all supported machines are). */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** A graph that is being written. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = []
  readonly #initializers: OnnxTensor[] = []
  readonly #inputs: OnnxValue[] = []
  readonly #outputs: OnnxValue[] = []
  readonly #constants = new Map<string, string>()
  #count = 0
  #scope = ''

  /** Declares an input of the graph and returns its name. */
  input(value: OnnxValue): string {
    this.#inputs.push(value)
    return value.name
  }

  /** Declares that the value `from` leaves the graph under the name of `value`. */
  output(from: string, value: OnnxValue): void {
    this.#nodes.push({ op: 'Identity', inputs: [from], outputs: [value.name], attributes: {}, domain: '' })
    this.#outputs.push(value)
  }

  /** Names of what is added from now on begin with this, so that errors of ONNX Runtime say whose node they mean. */
  within(scope: string): void {
    this.#scope = `${scope}/`
  }

  /** Adds an operation with one output and returns the output's name. An absent optional input is ''. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    return this.nodes(op, inputs, { attributes, outputs: 1 })[0] ?? ''
  }

  /** Adds an operation with several outputs and returns their names. */
  nodes(
    op: string,
    inputs: readonly string[],
    options: { readonly outputs: number; readonly attributes?: Readonly<Record<string, OnnxAttribute>> },
  ): string[] {
    const outputs = Array.from({ length: options.outputs }, () => this.#name(op))
    this.#nodes.push({ op, inputs, outputs, attributes: options.attributes ?? {}, domain: '' })
    return outputs
  }

  /** Adds stored values and returns their name. */
  initializer(name: string, tensor: Omit<OnnxTensor, 'name'>): string {
    this.#initializers.push({ name, ...tensor })
    return name
  }

  /** A scalar of type float32; equal ones are stored once. */
  scalar(value: number): string {
    return this.#constant(`f${value}`, { type: 'float32', shape: [], data: bytesOf(Float32Array.of(value)) })
  }

  /** A list of whole numbers of type int64, for shapes and axes; equal ones are stored once. */
  integers(values: readonly number[]): string {
    const data = bytesOf(BigInt64Array.from(values, BigInt))
    return this.#constant(`i${values.join()}`, { type: 'int64', shape: [values.length], data })
  }

  /** A matrix of ones, `[rows, columns]`. */
  ones(rows: number, columns: number): string {
    const data = bytesOf(new Float32Array(rows * columns).fill(1))
    return this.#constant(`ones${rows}x${columns}`, { type: 'float32', shape: [rows, columns], data })
  }

  /** Encodes the graph as an ONNX file. */
  encode(name: string, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    return encodeModel({
      name,
      opset: OPSET,
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
      metadata,
    })
  }

  #constant(key: string, tensor: { type: ElementType; shape: readonly number[]; data: Uint8Array }): string {
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const name = this.initializer(this.#name('constant'), tensor)
    this.#constants.set(key, name)
    return name
  }

  #name(op: string): string {
    return `${this.#scope}${op}_${this.#count++}`
  }
}
