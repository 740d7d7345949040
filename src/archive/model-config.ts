/**
 * Reads an archive's `configFile` (contract archive §5.1): YAML 1.1 as TorchServe's two readers do, where `yes` is true,
 * `010` is eight and the later of two equal keys counts. Plain data only: a tag of an application's own is refused, aliases
 * and depth are bounded.
 */
import type { Document, visit as Visit } from 'yaml'
import { invalidArchive, messageOf } from '../errors.js'

/** Configurations have some kilobytes. */
const MAX_BYTES = 256 << 10
const MAX_DEPTH = 64
/** How many nodes aliases may add; nine lines of them can stand for billions. */
const MAX_ALIASES = 100

/** The document as plain data, `null` when it is empty. `member` is named in errors, `invalid-archive`. */
export async function parseModelConfig(text: string, member: string): Promise<unknown> {
  const wrong = (why: string, cause?: unknown) =>
    invalidArchive(`member ${JSON.stringify(member)}: ${why}`, cause)
  if (Buffer.byteLength(text) > MAX_BYTES) throw wrong(`is larger than ${MAX_BYTES} bytes`)
  if (isTooDeep(text)) throw wrong('is no YAML that can be trusted: it is nested too deeply')
  // Loaded when needed: most archives have no configuration.
  const { LineCounter, parseDocument, visit } = await import('yaml')
  try {
    const lines = new LineCounter()
    // Pretty errors take time with the square of their number.
    const options = { version: '1.1', uniqueKeys: false, prettyErrors: false, lineCounter: lines } as const
    const document = parseDocument(text, options)
    const [problem] = [...document.errors, ...document.warnings]
    if (problem) throw new Error(`line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`)
    checkDepth(document, visit)
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : messageOf(error)
    throw wrong(`is no YAML that can be trusted: ${why.replace(/\n[^]*/, '')}`, error)
  }
}

/** Deeper indentation than of any honest document; a level takes one column at least. */
const MAX_INDENT = 200

/**
 * Whether the text could nest too deeply. The parser recurses, in time that grows with the square of the depth, and a stack
 * that is nearly used up ends the process when V8 compiles a regular expression: so such a text is not given to it. Three
 * things nest: brackets, `-`, `?` and `:` on one line, and indentation.
 */
function isTooDeep(text: string): boolean {
  let depth = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    if (depth > MAX_DEPTH) return true
  }
  return text
    .split(/[\r\n]/)
    .some(
      (line) => line.search(/[^ \t]/) > MAX_INDENT || (line.match(/[-?:][ \t]/g)?.length ?? 0) > MAX_DEPTH,
    )
}

function checkDepth(document: Document.Parsed, visit: typeof Visit): void {
  visit(document, (_, __, path) => {
    if (path.length > MAX_DEPTH) throw new RangeError('too deep')
  })
}
