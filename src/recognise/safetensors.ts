/** What a safetensors file holds: a `u64` length, then JSON with type, shape and place of each tensor. */
import { readExactly, type RandomAccess } from './access.js'

/** A safetensors file. */
export interface SafetensorsFacts {
  readonly kind: 'safetensors'
  readonly tensors: number
  /** Numbers in all tensors. */
  readonly parameters: number
  /** Number of tensors of each type, as in `{ F32: 12 }`. */
  readonly types: Readonly<Record<string, number>>
}

/** The format itself allows 100 MB; the headers of the largest models have some megabytes. */
const MAX_HEADER_BYTES = 32 << 20

/** Throws an `Error` that says why this is no safetensors file. */
export async function readSafetensors(access: RandomAccess): Promise<SafetensorsFacts> {
  const length = Number((await readExactly(access, { at: 0, length: 8 })).readBigUInt64LE())
  if (length > MAX_HEADER_BYTES) throw new Error('its header is too large')
  const header: unknown = JSON.parse((await readExactly(access, { at: 8, length })).toString('utf8'))
  if (!isObject(header)) throw new Error('its header is no object')
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__')
  const types = new Map<string, number>()
  let parameters = 0
  for (const [name, tensor] of tensors) {
    const { dtype, shape } = isObject(tensor) ? tensor : {}
    if (typeof dtype !== 'string' || !isShape(shape))
      throw new Error(`its tensor ${JSON.stringify(name)} has no type or shape`)
    types.set(dtype, (types.get(dtype) ?? 0) + 1)
    parameters += shape.reduce((a, b) => a * b, 1)
  }
  return { kind: 'safetensors', tensors: tensors.length, parameters, types: Object.fromEntries(types) }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && Number(size) >= 0)
