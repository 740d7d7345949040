/** A job as it came over the wire, turned into what a handler is given. */
import { open } from 'node:fs/promises'
import { invalidShape } from '../errors.js'
import type { Input, Job, TensorData } from '../handlers/handler.js'
import type { BodyRef, TensorType, WireInput, WireJob, WireTensor } from '../protocol/messages.js'

/** A job inside the worker: the handler's view of it, and the switch of its signal. */
export class WorkerJob implements Job {
  readonly wire: WireJob
  /** Nothing until it is read: a job can be cancelled before. */
  input: Input = { kind: 'parts', parts: [] }
  /** Made when somebody asks for it: most handlers never do. */
  #abort: AbortController | undefined
  #aborted = false

  constructor(wire: WireJob) {
    this.wire = wire
  }

  get id(): string {
    return this.wire.id
  }
  get headers(): Readonly<Record<string, string>> {
    return this.wire.headers
  }
  get operation(): Job['operation'] {
    return this.wire.operation
  }
  get sequenceId(): string | undefined {
    return this.wire.sequenceId
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#aborted) this.#abort.abort()
    return this.#abort.signal
  }

  /** The signal's state, without making one. */
  get isAborted(): boolean {
    return this.#aborted
  }

  /** Nobody waits for the answer any more. */
  abort(): void {
    this.#aborted = true
    this.#abort?.abort()
  }
}

/**
 * Reads what a job carries; bodies that lie in files are read here, inline ones are used as they are.
 * @throws MarinaError `invalid-shape` for a tensor whose bytes do not fit its type and shape
 */
export async function readInput(input: WireInput): Promise<Input> {
  if (input.kind === 'parts') {
    const parts = input.parts.map(async ({ name, contentType, body }) => ({
      name,
      contentType,
      data: await bytesOf(body),
    }))
    return { kind: 'parts', parts: await Promise.all(parts) }
  }
  const tensors = input.tensors.map(async ({ body, ...tensor }) => ({
    ...tensor,
    data: valuesOf(tensor, await bytesOf(body)),
  }))
  return { kind: 'tensors', tensors: await Promise.all(tensors) }
}

/** The same without waiting, where all bodies are inline parts: the usual case. */
export function inlineInput(input: WireInput): Input | undefined {
  if (input.kind !== 'parts') return undefined
  const parts = []
  for (const { name, contentType, body } of input.parts) {
    if (body.kind !== 'inline') return undefined
    parts.push({ name, contentType, data: body.data })
  }
  return { kind: 'parts', parts }
}

/** One read of Node's takes less than 2 GiB. */
const READ_BYTES = 2 ** 30

async function bytesOf(body: BodyRef): Promise<Uint8Array> {
  if (body.kind === 'inline') return body.data
  const handle = await open(body.file)
  try {
    const data = new Uint8Array(body.bytes)
    for (let have = 0; have < data.length;) {
      const wanted = Math.min(data.length - have, READ_BYTES)
      const { bytesRead } = await handle.read(data, have, wanted, body.offset + have)
      if (bytesRead === 0) throw new Error(`${body.file} ended ${data.length - have} bytes early`)
      have += bytesRead
    }
    return data
  } finally {
    await handle.close()
  }
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<TensorType, 'string'>, unknown>

/** A view of the bytes as the elements of a tensor; strings are separated by NUL. Bytes are aligned by the protocol. */
function valuesOf({ name, type, shape }: Omit<WireTensor, 'body'>, bytes: Uint8Array): TensorData {
  const elements = shape.reduce((product, size) => product * size, 1)
  const fits = (found: number, unit: string) => {
    if (found === elements) return
    throw invalidShape(`the tensor '${name}' has ${found} ${unit} for ${type} [${shape.join(', ')}]`)
  }
  if (type === 'string') {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    const strings = elements === 0 && text === '' ? [] : text.split('\0')
    fits(strings.length, 'strings')
    return strings
  }
  const Type = arrays[type]
  fits(bytes.byteLength / Type.BYTES_PER_ELEMENT, 'values')
  return new Type(bytes.buffer as ArrayBuffer, bytes.byteOffset, elements)
}
