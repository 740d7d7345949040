/**
 * `config.properties` as Java reads it (`java.util.Properties.load`), each entry with its line. What real Java makes of
 * hostile files is stored beside the test.
 */
import { Properties } from 'properties-file/parser'
import { misuse } from '../errors.js'

/** One entry; of several with one key the last counts. */
export interface Entry {
  readonly key: string
  readonly value: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** A file that has been read. */
export interface PropertiesFile {
  /** As the user wrote it; origins show it. */
  readonly path: string
  readonly entries: readonly Entry[]
}

/**
 * Parses the bytes of a file. Java takes them for ISO-8859-1; `path` names the file in errors.
 * @throws misuse for a `\u` without four digits, as Java does
 */
export function parseProperties(bytes: Uint8Array, path: string): PropertiesFile {
  try {
    return { path, entries: entriesOf(Buffer.from(bytes).toString('latin1'), 0) }
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes('unicode')) throw cause
    throw misuse(`${path}: \\u must be followed by four hexadecimal digits (${cause.message}).`)
  }
}

/** The entries of `text`, which begins after `before` lines of its file. */
function entriesOf(text: string, before: number): Entry[] {
  return new Properties(text).getProperties().flatMap((node) => {
    const line = before + node.startingLineNumber
    const blank = node.rawLines.findIndex((raw) => !ONLY_BACKSLASH.test(raw))
    if (blank === 0) return [{ key: node.key, value: node.value, line }]
    // Java forgets a line that holds only a backslash, so that a comment may follow it; the library joins the two.
    // (At the very end Java makes an empty key of it, which is nobody's setting.)
    return blank < 0 ? [] : entriesOf(node.rawLines.slice(blank).join('\n'), line - 1 + blank)
  })
}

const ONLY_BACKSLASH = /^[ \t\f]*\\$/

/**
 * Replaces `$$NAME$$` by the variable NAME.
 * @throws misuse with TorchServe's words when it is not set
 */
export function withVariables(
  { path, entries }: PropertiesFile,
  environment: Readonly<Record<string, string | undefined>>,
): PropertiesFile {
  const expand = ({ key, value, line }: Entry): Entry => ({
    key,
    line,
    value: value.replace(/\$\$([^$]{2,})\$\$/g, (_, name: string) => {
      const replacement = environment[name]
      if (replacement === undefined)
        throw misuse(`Invalid Environment Variable ${name} (${path}:${line}, ${key})`)
      return replacement
    }),
  })
  return { path, entries: entries.map(expand) }
}
