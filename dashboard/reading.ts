/** Reads an answer with its schema's eyes: what stands large, what is a distance, what is left. */
import type { OutputSchema } from '../src/http/page-types.js'
import { isObject, type JsonObject } from './guards.js'

/** A field with the words that its schema has for it. */
export interface FieldReading {
  readonly name: string
  readonly value: unknown
  readonly description: string | undefined
}

/** A JSON answer, read. */
export interface Reading {
  readonly answer: FieldReading | undefined
  readonly distance: (FieldReading & { readonly value: number }) | undefined
  /** Undefined where the model does not say. */
  readonly known: boolean | undefined
  /** Why `known` may be false, in the schema's words. */
  readonly knownDescription: string | undefined
  /** Fields without a role, in the schema's order. */
  readonly others: readonly FieldReading[]
}

/** Undefined where the answer is no object, or the schema gives no output a role: then it is shown as it is. */
export function readAnswer(value: unknown, outputs: readonly OutputSchema[]): Reading | undefined {
  if (!isObject(value) || !outputs.some(({ role }) => role !== undefined)) return undefined
  const fieldOf = (role: OutputSchema['role']): FieldReading | undefined => {
    const output = outputs.find((candidate) => candidate.role === role)
    return output && readField(value, output)
  }
  const distance = fieldOf('distance')
  const known = fieldOf('known')
  return {
    answer: fieldOf('answer'),
    distance: typeof distance?.value === 'number' ? { ...distance, value: distance.value } : undefined,
    known: typeof known?.value === 'boolean' ? known.value : undefined,
    knownDescription: known?.description,
    others: outputs
      .filter(({ role }) => role === undefined)
      .flatMap((output) => readField(value, output) ?? []),
  }
}

function readField(value: JsonObject, { name, description }: OutputSchema): FieldReading | undefined {
  return name in value ? { name, value: value[name], description } : undefined
}

/** One sentence for those who hear the page. */
export function sentenceOf({ answer, distance, known }: Reading): string {
  const head = known === false ? 'Unknown' : `Answer ${showValue(answer?.value)}`
  const nearest = known === false && answer ? `, nearest is ${showValue(answer.value)}` : ''
  return `${head}${nearest}${distance ? `, distance ${showDistance(distance.value)}` : ''}.`
}

/** A value in few characters: texts as they are, the rest as JSON. */
export const showValue = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value)

/** Three digits that matter, never more than a reader wants. */
export const showDistance = (distance: number): string =>
  Math.abs(distance) >= 100 ? distance.toFixed(0) : distance.toPrecision(3)
