/** Errors that several files of this part need; what only one file throws stands beside its thrower. */
import { basename } from 'node:path'
import { invalidArchive, invalidFile, type MarinaError } from '../errors.js'

/**
 * 400: the archive `source` is damaged or hostile; `why` completes "archive: …", the member is named when
 * there is one.
 */
export function badArchive(
  source: string,
  why: string,
  options: { member?: string; cause?: unknown } = {},
): MarinaError {
  // JSON.stringify makes control characters visible, so that a hostile name cannot write into a log.
  const member = options.member === undefined ? '' : `member ${JSON.stringify(shorten(options.member))}: `
  return invalidArchive(`${basename(source)}: ${member}${why}`, options.cause)
}

const shorten = (name: string) => (name.length > 200 ? `${name.slice(0, 200)}…` : name)

/** An input file that cannot be read, in words. The system's error is the cause. */
export function unreadableFile(file: string, error: unknown): MarinaError {
  const code = systemCode(error)
  const why =
    code === 'ENOENT'
      ? 'no such file'
      : code === 'EISDIR'
        ? 'is a folder, a file is needed'
        : code === 'EACCES'
          ? 'permission denied'
          : `cannot be read (${code ?? String(error)})`
  return invalidFile(file, why, error)
}

/** The `code` of a system error (`ENOENT`…), else undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
