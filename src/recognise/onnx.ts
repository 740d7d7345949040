/**
 * What an ONNX file takes and gives, without its weights: of a gigabyte a few kilobytes are read. The file is protobuf;
 * fields of no interest are skipped by their length, the rest is put together again and decoded.
 */
import { decodeModel, type OnnxValue } from '../onnx/index.js'
import { readExactly, windowed, type RandomAccess } from './access.js'

/** An ONNX model. */
export interface OnnxFacts {
  readonly kind: 'onnx'
  /** Version of ONNX's own operators. */
  readonly opset: number
  /** Without weights, which old files list among them. */
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly nodes: number
  /** Numbers in all weights. */
  readonly parameters: number
}

/** Throws an `Error` that says why these bytes are no ONNX model. */
export async function readOnnx(access: RandomAccess): Promise<OnnxFacts> {
  const outline = await outlineOf(windowed(access), { start: 0, end: access.bytes, plan: modelPlan })
  const { opset, inputs, outputs, nodes, initializers } = decodeModel(outline)
  const weights = new Set(initializers.map(({ name }) => name))
  return {
    kind: 'onnx',
    opset,
    inputs: inputs.filter(({ name }) => !weights.has(name)),
    outputs,
    nodes: nodes.length,
    parameters: initializers.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
  }
}

/** Which length-delimited fields are kept, by number: whole, or in outline. Plain numbers are always kept. */
interface Plan {
  readonly [field: number]: 'whole' | Plan
}

const nodePlan: Plan = { 4: 'whole' }
const weightPlan: Plan = { 1: 'whole', 8: 'whole' }
const graphPlan: Plan = { 1: nodePlan, 2: 'whole', 5: weightPlan, 11: 'whole', 12: 'whole' }
const modelPlan: Plan = { 7: graphPlan, 8: 'whole' }

/** A kept field has a name or a shape in it, not weights. */
const MAX_KEPT_BYTES = 64 << 10

interface Span {
  readonly start: number
  readonly end: number
  readonly plan: Plan
}

/** The message between `start` and `end` with its kept fields only. */
async function outlineOf(access: RandomAccess, { start, end, plan }: Span): Promise<Buffer> {
  const kept: Buffer[] = []
  for (let at = start; at < end;) {
    const tag = await readVarint(access, at)
    const body = await bodyOf(access, { at: at + tag.length, wireType: tag.value & 7 })
    const field = Math.floor(tag.value / 8)
    const bodyEnd = body.at + body.length
    if (field === 0 || bodyEnd > end) throw new Error('a field reaches beyond its message')
    const wanted = plan[field]
    if (!body.delimited) kept.push(await readExactly(access, { at, length: bodyEnd - at }).then(copy))
    else if (wanted === 'whole' && body.length <= MAX_KEPT_BYTES)
      kept.push(await readExactly(access, { at, length: bodyEnd - at }).then(copy))
    else if (typeof wanted === 'object') {
      const inner = await outlineOf(access, { start: body.at, end: bodyEnd, plan: wanted })
      kept.push(varint(tag.value), varint(inner.length), inner)
    }
    at = bodyEnd
  }
  return Buffer.concat(kept)
}

/** A window's bytes are its own; what is kept must not hold the whole window in memory. */
const copy = (bytes: Buffer) => Buffer.from(bytes)

async function bodyOf(access: RandomAccess, { at, wireType }: { at: number; wireType: number }) {
  switch (wireType) {
    case 0:
      return { at, length: (await readVarint(access, at)).length, delimited: false }
    case 1:
      return { at, length: 8, delimited: false }
    case 2: {
      const { value, length } = await readVarint(access, at)
      return { at: at + length, length: value, delimited: true }
    }
    case 5:
      return { at, length: 4, delimited: false }
    default:
      throw new Error(`it has a field of the unknown kind ${wireType}`)
  }
}

/** Protobuf's numbers: seven bits a byte, the lowest first. Exact below 2^53. */
async function readVarint(access: RandomAccess, at: number): Promise<{ value: number; length: number }> {
  const bytes = await access.read(at, Math.min(10, access.bytes - at))
  let value = 0
  for (const [index, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, length: index + 1 }
  }
  throw new Error('it ends in the middle of a number')
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
