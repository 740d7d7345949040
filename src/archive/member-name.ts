/** Which names a member of an archive may have, on reading and on writing alike. */

/** Longest path and longest step of it, in bytes of UTF-8: what common file systems take. */
const MAX_NAME_BYTES = 1024
const MAX_STEP_BYTES = 255

/** A name without `.` and empty steps, or why it is refused (words that follow the name). */
export type CheckedName = { readonly name: string } | { readonly refused: string }

/**
 * Checks a member's name as it stands in an archive. Allowed: a relative path of at least one step with `/`
 * between; refused: `..`, absolute and drive paths, backslashes, control characters, too long (security D1).
 */
export function checkMemberName(raw: string): CheckedName {
  const steps = raw.split('/').filter((step) => step !== '' && step !== '.')
  const refused = refusalOf(raw, steps)
  return refused === undefined ? { name: steps.join('/') } : { refused }
}

function refusalOf(raw: string, steps: readonly string[]): string | undefined {
  if (raw.startsWith('/')) return 'is an absolute path'
  if (raw.includes('\\')) return 'has a backslash in its name'
  if (/^[A-Za-z]:/.test(raw)) return 'starts with a drive letter'
  // eslint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(raw)) return 'has a control character in its name'
  if (steps.length === 0) return 'has no name'
  if (steps.includes('..')) return 'points outside the archive with ".."'
  if (Buffer.byteLength(raw) > MAX_NAME_BYTES) return `has a name longer than ${MAX_NAME_BYTES} bytes`
  if (steps.some((step) => Buffer.byteLength(step) > MAX_STEP_BYTES))
    return `has a step longer than ${MAX_STEP_BYTES} bytes in its name`
  return undefined
}

/** The names of one archive, each claimed once. */
export interface NameSet {
  /**
   * Takes a checked file name; the answer says why it cannot be had (words that follow the name), undefined
   * when it can.
   */
  claim(name: string): string | undefined
}

/** An empty {@link NameSet}: equal names, and a file where another member needs a folder, are refused. */
export function nameSet(): NameSet {
  const files = new Set<string>()
  const folders = new Set<string>()
  return {
    claim(name) {
      if (files.has(name)) return 'occurs twice'
      if (folders.has(name)) return 'is a file and a folder at once'
      const parents = parentsOf(name)
      const clash = parents.find((parent) => files.has(parent))
      if (clash !== undefined) return `lies below ${JSON.stringify(clash)}, which is a file`
      files.add(name)
      parents.forEach((parent) => folders.add(parent))
      return undefined
    },
  }
}

function parentsOf(name: string): string[] {
  const steps = name.split('/')
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join('/'))
}
