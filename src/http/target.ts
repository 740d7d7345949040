/** Reads a request target as TorchServe does: decode first, then split (contract rest-api §1). */
import { MarinaError } from '../errors.js'

/** A decoded request target. */
export interface Target {
  /** Path segments; trailing empty ones are dropped: `/models/noop/` is `['models', 'noop']`. */
  readonly segments: readonly string[]
  /** Of a repeated name the first value. */
  readonly query: Query
  /** What becomes a handler's input: of a repeated name the last value. */
  readonly inputs: Query
}

/** Query parameters. */
export type Query = ReadonlyMap<string, string>

const NO_QUERY: Query = new Map()
// Paths of this shape decode to themselves; nearly all do.
const PLAIN_PATH = /^[\w\-./~:]*$/

/**
 * Splits a target into segments and query. `%2F` becomes a separator, `+` in a path stays a plus. Throws
 * illegal-argument on a malformed percent escape and endpoint-not-found on an absolute-form target.
 */
export function parseTarget(target: string): Target {
  const hash = target.indexOf('#')
  const whole = hash === -1 ? target : target.slice(0, hash)
  const mark = whole.indexOf('?')
  const path = mark === -1 ? whole : whole.slice(0, mark)
  try {
    const segments = segmentsOf(PLAIN_PATH.test(path) ? path : decode(path))
    if (mark === -1) return { segments, query: NO_QUERY, inputs: NO_QUERY }
    const pairs = parsePairs(whole.slice(mark + 1))
    return { segments, query: firstOf(pairs), inputs: new Map(pairs) }
  } catch (error) {
    throw error instanceof MalformedEscape ? illegalEscape(target) : error
  }
}

type Pair = readonly [name: string, value: string]

/** Reads `a=1&b=2;c`: `&` and `;` separate, `+` is a blank, a name without `=` has the value ''. */
function parsePairs(text: string): Pair[] {
  return text.split(/[&;]/).flatMap((pair): Pair[] => {
    if (pair === '') return []
    const equals = pair.indexOf('=')
    if (equals === -1) return [[decodePlus(pair), '']]
    return [[decodePlus(pair.slice(0, equals)), decodePlus(pair.slice(equals + 1))]]
  })
}

function firstOf(pairs: readonly Pair[]): Query {
  const query = new Map<string, string>()
  for (const [name, value] of pairs) if (!query.has(name)) query.set(name, value)
  return query
}

/** An integer parameter; what does not parse is the default, silently, as in TorchServe. */
export function integerOf(value: string | undefined, otherwise: number): number {
  return value !== undefined && /^[+-]?\d{1,10}$/.test(value) ? Number(value) : otherwise
}

/** A boolean parameter: true only for `true` in any letter case. */
export function booleanOf(value: string | undefined, otherwise: boolean): boolean {
  return value === undefined ? otherwise : value.toLowerCase() === 'true'
}

function segmentsOf(path: string): string[] {
  const segments = path.split('/')
  while (segments.at(-1) === '') segments.pop()
  // What stands before the first slash is empty, except in an absolute-form target, which has no route.
  return segments[0] === '' ? segments.slice(1) : segments.length === 0 ? [] : ['', ...segments]
}

const decodePlus = (text: string): string => decode(text.replaceAll('+', ' '))

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new MalformedEscape()
  }
}

/** Caught where the whole target is known. */
class MalformedEscape extends Error {}

/** The original's text for the first escape that is none; bytes that are no UTF-8 have one of our own. */
function illegalEscape(target: string): MarinaError {
  const at = target.search(/%(?![0-9a-f]{2})/i)
  const pair = target.slice(at + 1, at + 3)
  return new MarinaError(
    'illegal-argument',
    at >= 0 && pair.length === 2
      ? `invalid hex byte '${pair}' at index ${at + 1} of '${target}'`
      : `Malformed percent escape in the request target: ${target}`,
  )
}
