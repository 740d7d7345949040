/** Turns `unknown` from the network into types, once, at the edge. A value of another shape is an error that says where. */
import type {
  InputSchema,
  ModelSchema,
  OutputSchema,
  PageExample,
  PageModel,
  PageModels,
  PageVersion,
} from '../src/http/page-types.js'

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value is a JSON object, and no list. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads the answer of `GET /page/models`. @throws Error naming the field that is not as expected */
export function parseModels(value: unknown): PageModels {
  const root = objectAt(value, 'models')
  return { server: textAt(root, 'server'), models: listAt(root, 'models', modelOf) }
}

/** The text of an error answer `{ code, type, message }`, or undefined. */
export function messageOfError(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  const { message } = value
  return typeof message === 'string' ? message : undefined
}

function modelOf(value: unknown): PageModel {
  const at = objectAt(value, 'model')
  return {
    name: textAt(at, 'name'),
    defaultVersion: textAt(at, 'defaultVersion'),
    versions: listAt(at, 'versions', versionOf),
  }
}

function versionOf(value: unknown): PageVersion {
  const at = objectAt(value, 'version')
  const workers = objectAt(at['workers'], 'workers')
  return {
    version: textAt(at, 'version'),
    ready: at['ready'] === true,
    runtime: textAt(at, 'runtime'),
    workers: { ready: numberAt(workers, 'ready'), wanted: numberAt(workers, 'wanted') },
    ...optionalText(at, 'failure'),
    predictUrl: textAt(at, 'predictUrl'),
    ...optionalText(at, 'explainUrl'),
    ...(at['schema'] === undefined ? {} : { schema: schemaOf(at['schema']) }),
    examples: listAt(at, 'examples', exampleOf),
  }
}

function schemaOf(value: unknown): ModelSchema {
  const at = objectAt(value, 'schema')
  return {
    ...optionalText(at, 'description'),
    inputs: listAt(at, 'inputs', inputOf),
    outputs: listAt(at, 'outputs', outputOf),
    operations: listAt(at, 'operations', (item) => oneOf(item, ['predict', 'explain'], 'operation')),
  }
}

function inputOf(value: unknown): InputSchema {
  const at = objectAt(value, 'input')
  return {
    name: textAt(at, 'name'),
    kind: oneOf(at['kind'], ['image', 'text', 'json', 'binary'], 'kind'),
    contentTypes: listAt(at, 'contentTypes', String),
    ...optionalText(at, 'description'),
    ...(at['draw'] === undefined ? {} : { draw: drawOf(at['draw']) }),
  }
}

function drawOf(value: unknown): NonNullable<InputSchema['draw']> {
  const at = objectAt(value, 'draw')
  const ground = oneOf(at['ground'], ['dark', 'light'], 'ground')
  return { width: numberAt(at, 'width'), height: numberAt(at, 'height'), ground }
}

function outputOf(value: unknown): OutputSchema {
  const at = objectAt(value, 'output')
  const types = ['number', 'integer', 'string', 'boolean', 'array', 'object'] as const
  const role = at['role']
  return {
    name: textAt(at, 'name'),
    type: oneOf(at['type'], types, 'type'),
    ...(role === undefined ? {} : { role: oneOf(role, ['answer', 'distance', 'known'], 'role') }),
    ...optionalText(at, 'description'),
  }
}

function exampleOf(value: unknown): PageExample {
  const at = objectAt(value, 'example')
  return { name: textAt(at, 'name'), contentType: textAt(at, 'contentType'), url: textAt(at, 'url') }
}

function objectAt(value: unknown, name: string): JsonObject {
  if (!isObject(value)) throw new Error(`${name} is not an object`)
  return value
}

function textAt(at: JsonObject, key: string): string {
  const value = at[key]
  if (typeof value !== 'string') throw new Error(`${key} is not a text`)
  return value
}

function numberAt(at: JsonObject, key: string): number {
  const value = at[key]
  if (typeof value !== 'number') throw new Error(`${key} is not a number`)
  return value
}

function listAt<T>(at: JsonObject, key: string, read: (item: unknown) => T): readonly T[] {
  const value = at[key]
  if (!Array.isArray(value)) throw new Error(`${key} is not a list`)
  return value.map((item: unknown) => read(item))
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], name: string): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new Error(`${name} is none of ${choices.join(', ')}`)
  return found
}

function optionalText<K extends string>(at: JsonObject, key: K): Partial<Record<K, string>> {
  const value = at[key]
  return typeof value === 'string' ? ({ [key]: value } as Record<K, string>) : {}
}
