/**
 * Reading JSON that came with an archive: bounded in size and depth, with fields taken by name and by type.
 */

/** A JSON object whose own keys are read with {@link own}; `__proto__` is a key like any other. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Deeper nesting than any honest document has. */
const MAX_DEPTH = 64
/** A manifest has hundreds of bytes, a schema thousands. */
const MAX_BYTES = 4 << 20

/**
 * Parses strict JSON; throws a plain `Error` that says what is wrong: too large, nested too deeply, or the
 * syntax.
 */
export function parseJson(text: string, { maxBytes = MAX_BYTES } = {}): unknown {
  if (Buffer.byteLength(text) > maxBytes) throw new Error(`larger than ${maxBytes} bytes`)
  if (depthOf(text) > MAX_DEPTH) throw new Error(`nested deeper than ${MAX_DEPTH} levels`)
  return JSON.parse(text)
}

/**
 * Parses strict JSON with every number as the text that stands in the file, since `1.0` is a version that
 * `JSON.parse` would turn into `1`. Throws as {@link parseJson}.
 */
export function parseJsonNumbersAsText(text: string): unknown {
  parseJson(text)
  const quoted = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  )
  return JSON.parse(quoted)
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth)
    else if (token === ']' || token === '}') depth--
  }
  return deepest
}

/** True for `{…}`, not for arrays and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of an own key, else undefined; nothing inherited is ever seen. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** JSON with two blanks and a final newline: the layout of Marina's own members. */
export function encodeJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
