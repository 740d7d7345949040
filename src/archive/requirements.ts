/** The lines of an archive's `requirementsFile`, for people and for comparison; pip alone reads them in earnest. */

/** One line that asks for something, without its comment. */
export interface Requirement {
  /** Normalised as PyPI does (PEP 503); undefined for an option, a path or a link. */
  readonly name: string | undefined
  readonly text: string
}

/** The requirements of a file's text, in order. */
export function parseRequirements(text: string): readonly Requirement[] {
  return text
    .replace(/\\\r?\n/g, '')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => ({ name: nameOf(line), text: line }))
}

function nameOf(line: string): string | undefined {
  const [, name] = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[|[=<>!~;@]|$)/.exec(line) ?? []
  return name?.toLowerCase().replace(/[-_.]+/g, '-')
}
