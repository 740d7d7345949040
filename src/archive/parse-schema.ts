/**
 * Reads `schema.json`, `examples.json` and `provenance.json` of an archive: types checked, unknown keys
 * ignored.
 */
import { invalidArchive, messageOf } from '../errors.js'
import { isObject, own, parseJson, type JsonObject } from './json.js'
import type {
  ExampleRequest,
  Examples,
  InputSchema,
  ModelSchema,
  OutputSchema,
  Provenance,
} from './manifest.js'

/** Parses `MAR-INF/marina/schema.json`. Throws `invalid-archive` naming the field. */
export function parseSchema(text: string): ModelSchema {
  const root = rootOf(text, 'schema.json')
  return {
    ...optional('description', root.optionalText('description')),
    inputs: root.list('inputs', inputOf),
    outputs: root.list('outputs', outputOf),
    operations: root.list('operations', (at) => at.oneOf(['predict', 'explain'])),
  }
}

/** Parses `MAR-INF/marina/examples.json`. Throws `invalid-archive` naming the field. */
export function parseExamples(text: string): Examples {
  return { requests: rootOf(text, 'examples.json').list('requests', requestOf) }
}

/** Parses `MAR-INF/marina/provenance.json`. Throws `invalid-archive` naming the field. */
export function parseProvenance(text: string): Provenance {
  const root = rootOf(text, 'provenance.json')
  const git = root.optionalObject('git', (at) => ({
    commit: at.text('commit'),
    dirty: at.optionalFlag('dirty') ?? false,
  }))
  const parent = root.optionalObject('parent', (at) => ({
    ...optional('modelName', at.optionalText('modelName')),
    ...optional('modelVersion', at.optionalText('modelVersion')),
    sha256: at.text('sha256'),
  }))
  return {
    ...optional(
      'data',
      root.optionalObject('data', (at) => at.record(isText)),
    ),
    ...optional('git', git),
    ...optional(
      'metrics',
      root.optionalObject('metrics', (at) => at.record(isNumber)),
    ),
    ...optional(
      'parameters',
      root.optionalObject('parameters', (at) => at.record(isScalar)),
    ),
    ...optional('command', root.optionalText('command')),
    ...optional('parent', parent),
  }
}

function inputOf(at: Cursor): InputSchema {
  const draw = at.optionalObject('draw', (size) => ({
    width: size.positive('width'),
    height: size.positive('height'),
    ground: size.field('ground').oneOf(['dark', 'light']),
  }))
  return {
    name: at.text('name'),
    kind: at.field('kind').oneOf(['image', 'text', 'json', 'binary']),
    contentTypes: at.list('contentTypes', (item) => item.asText()),
    ...optional('description', at.optionalText('description')),
    ...optional('draw', draw),
  }
}

function outputOf(at: Cursor): OutputSchema {
  const role = at.has('role') ? at.field('role').oneOf(['answer', 'distance', 'known']) : undefined
  return {
    name: at.text('name'),
    type: at.field('type').oneOf(['number', 'integer', 'string', 'boolean', 'array', 'object']),
    ...optional('role', role),
    ...optional('description', at.optionalText('description')),
  }
}

function requestOf(at: Cursor): ExampleRequest {
  const file = at.text('file')
  // The page and the warm-up open this name below MAR-INF/marina/examples/.
  if (!/^[^/\\\0]+$/.test(file) || file === '.' || file === '..')
    throw at.field('file').wrong('the plain name of a file in MAR-INF/marina/examples/')
  return {
    name: at.text('name'),
    file,
    contentType: at.text('contentType'),
    ...optional(
      'expect',
      at.optionalObject('expect', (fields) => fields.record(isScalar)),
    ),
    ...optional('tolerance', at.has('tolerance') ? at.positive('tolerance', 0) : undefined),
  }
}

const isText = (value: unknown) => (typeof value === 'string' ? value : undefined)
const isNumber = (value: unknown) => (typeof value === 'number' ? value : undefined)
const isScalar = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined

/** A value in a document and the way to it, as in `schema.json: inputs[0].kind must be …`. */
interface Cursor {
  readonly path: string
  wrong(what: string): Error
  has(key: string): boolean
  field(key: string): Cursor
  asText(): string
  oneOf<const T extends string>(choices: readonly T[]): T
  text(key: string): string
  optionalText(key: string): string | undefined
  optionalFlag(key: string): boolean | undefined
  positive(key: string, least?: number): number
  list<T>(key: string, read: (item: Cursor) => T): readonly T[]
  optionalObject<T>(key: string, read: (at: Cursor) => T): T | undefined
  record<T>(accept: (value: unknown) => T | undefined): Readonly<Record<string, T>>
}

function cursor(value: unknown, path: string): Cursor {
  const wrong = (what: string) => invalidArchive(`${path} must be ${what}`)
  const object = (): JsonObject => {
    if (!isObject(value)) throw wrong('an object')
    return value
  }
  const field = (key: string) => cursor(own(object(), key), `${path}${path.endsWith(': ') ? '' : '.'}${key}`)
  const has = (key: string) => own(object(), key) !== undefined
  const asText = () => {
    if (typeof value !== 'string') throw wrong('a text')
    return value
  }
  return {
    path,
    wrong,
    has,
    field,
    asText,
    oneOf: (choices) => {
      const found = choices.find((choice) => choice === value)
      if (found === undefined) throw wrong(`one of ${choices.join(', ')}`)
      return found
    },
    text: (key) => field(key).asText(),
    optionalText: (key) => (has(key) ? field(key).asText() : undefined),
    optionalFlag: (key) => {
      const flag = own(object(), key)
      if (flag !== undefined && typeof flag !== 'boolean') throw field(key).wrong('true or false')
      return flag
    },
    positive: (key, least = 1) => {
      const number = own(object(), key)
      if (typeof number !== 'number' || number < least)
        throw field(key).wrong(`a number of at least ${least}`)
      return number
    },
    list: (key, read) => {
      const items = own(object(), key)
      if (!Array.isArray(items)) throw field(key).wrong('a list')
      return items.map((item: unknown, index) => read(cursor(item, `${field(key).path}[${index}]`)))
    },
    optionalObject: (key, read) => (has(key) ? read(field(key)) : undefined),
    record: (accept) => {
      const entries = Object.entries(object()).map(([key, item]) => {
        const accepted = accept(item)
        if (accepted === undefined) throw field(key).wrong('a plain value')
        return [key, accepted] as const
      })
      return Object.fromEntries(entries)
    },
  }
}

function rootOf(text: string, file: string): Cursor {
  try {
    return cursor(parseJson(text), `MAR-INF/marina/${file}: `)
  } catch (error) {
    throw invalidArchive(`MAR-INF/marina/${file}: ${messageOf(error)}`, error)
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}
