/** Regular expressions in settings. They are Java's; those that mean the same here are taken. */
import type { Kind } from './values.js'

/** An expression that a whole text must match. `source` is as it was written. */
export interface Pattern {
  readonly source: string
  matches(text: string): boolean
}

/** Reads one expression; undefined when it is none here. `flags`: `i` for any letter case. */
export function patternOf(source: string, flags = ''): Pattern | undefined {
  try {
    const expression = new RegExp(`^(?:${source})$`, `${flags}s`)
    return { source, matches: (text) => expression.test(text) }
  } catch {
    return undefined
  }
}

const MUST_BE = 'regular expressions that JavaScript reads too'

/** Expressions between commas, each for a whole URL in any letter case; none when empty. */
export const urlPatterns: Kind<readonly Pattern[]> = {
  placeholder: 'PATTERN,…',
  parse(text) {
    const sources = text.split(',').map((part) => part.trim())
    const patterns = sources.filter((source) => source !== '').map((source) => patternOf(source, 'i'))
    const known = patterns.filter((pattern) => pattern !== undefined)
    return known.length === patterns.length ? { value: known } : { mustBe: MUST_BE }
  },
  print: (value) => value.map(({ source }) => source).join(','),
}

/** One expression for whole names; none when empty. */
export const namePattern: Kind<Pattern | undefined> = {
  placeholder: 'PATTERN',
  parse(text) {
    if (text.trim() === '') return { value: undefined }
    const value = patternOf(text.trim())
    return value === undefined ? { mustBe: MUST_BE } : { value }
  },
  print: (value) => value?.source ?? '',
}
