/** An ONNX model as a handler uses it: tensors in, tensors out, on ONNX Runtime. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { invalidFile, invalidShape, messageOf } from '../errors.js'
import type { Tensor, TensorType } from './handler.js'

/** An input or output as the model declares it; a dimension that is free is given by its name, or by ''. */
export interface TensorSlot {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly (number | string)[]
}

/** A tensor without its name, for models whose inputs are given in order. */
export type UnnamedTensor = Omit<Tensor, 'name'> & { readonly name?: string }

/** A loaded model. Whoever opened it closes it. */
export interface Model {
  /** SHA-256 of the file, in hex: the name of this model towards an index. */
  readonly hash: string
  readonly inputs: readonly TensorSlot[]
  readonly outputs: readonly TensorSlot[]
  /**
   * Runs the model. Inputs are matched by name where they have one, else by order; the answer has the order of `outputs`.
   * @throws MarinaError `invalid-shape` naming the input, what it is and what it must be
   */
  run(inputs: readonly UnnamedTensor[]): Promise<readonly Tensor[]>
  /** As `run`, of a model whose first output is float32: its values, row-major. @throws MarinaError `invalid-shape` for any other */
  floats(inputs: readonly UnnamedTensor[]): Promise<Float32Array>
  close(): Promise<void>
}

/** What a model may use of the machine. */
export interface ModelOptions {
  /** Threads of one run, from 1 (default 1). */
  readonly threads?: number
}

/**
 * Opens an ONNX file.
 * @throws MarinaError `invalid-file` when it is missing or no model that ONNX Runtime takes
 */
export async function openModel(file: string, { threads = 1 }: ModelOptions = {}): Promise<Model> {
  const ort = await import('onnxruntime-node')
  const hash = await hashFile(file).catch((error: unknown) => {
    throw invalidFile(file, `cannot be read: ${messageOf(error)}`, error)
  })
  const session = await ort.InferenceSession.create(file, sessionOptions(threads)).catch((error: unknown) => {
    throw invalidFile(file, `is no ONNX model that can be loaded: ${messageOf(error)}`, error)
  })
  const inputs = session.inputMetadata.map(slotOf)
  const outputs = session.outputMetadata.map(slotOf)
  const run: Model['run'] = async (given) => {
    const feeds: Record<string, OrtTensor> = {}
    inputs.forEach((slot, at) => {
      const tensor =
        given.find(({ name }) => name === slot.name) ??
        (given[at]?.name === undefined ? given[at] : undefined)
      if (!tensor) throw invalidShape(`${file}: the input '${slot.name}' is missing`)
      checkTensor(tensor, slot, file)
      feeds[slot.name] = new ort.Tensor(tensor.type, tensor.data, tensor.shape)
    })
    const results = await session.run(feeds)
    return outputs.map(({ name }) => tensorOf(name, results[name]))
  }
  return {
    hash,
    inputs,
    outputs,
    run,
    async floats(given) {
      const [first] = await run(given)
      if (first?.data instanceof Float32Array) return first.data
      throw invalidShape(
        `${file}: the output '${outputs[0]?.name ?? ''}' is ${first?.type ?? 'missing'}, not float32`,
      )
    },
    close: () => session.release(),
  }
}

/** Without spinning: a thread that waits for the next request must not keep a core from other workers. */
function sessionOptions(threads: number): InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file, { highWaterMark: 2 ** 20 }))
    hash.update(bytes as Uint8Array)
  return hash.digest('hex')
}

function slotOf(slot: InferenceSession.ValueMetadata): TensorSlot {
  if (!slot.isTensor) return { name: slot.name, type: 'float32', shape: [] }
  return { name: slot.name, type: slot.type as TensorType, shape: slot.shape }
}

function checkTensor(tensor: UnnamedTensor, slot: TensorSlot, file: string): void {
  const shown = (shape: readonly (number | string)[]) =>
    `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`
  const fits =
    tensor.shape.length === slot.shape.length &&
    tensor.shape.every((size, at) => typeof slot.shape[at] === 'string' || slot.shape[at] === size)
  if (tensor.type !== slot.type || !fits) {
    throw invalidShape(
      `${file}: the input '${slot.name}' is ${tensor.type} ${shown(tensor.shape)}, but must be ${slot.type} ${shown(slot.shape)}`,
    )
  }
  const elements = tensor.shape.reduce((product, size) => product * size, 1)
  if (tensor.data.length !== elements) {
    throw invalidShape(
      `${file}: the input '${slot.name}' has ${tensor.data.length} values for the shape ${shown(tensor.shape)}`,
    )
  }
}

function tensorOf(name: string, result: OrtTensor | undefined): Tensor {
  if (!result) throw invalidShape(`the model gave no output '${name}'`)
  return { name, type: result.type as TensorType, shape: result.dims, data: result.data }
}
