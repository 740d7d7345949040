/** Errors as Python prints them: the last line of a traceback, which scripts look for (contract archive §3.8). */
import { constants } from 'node:os'

/** An exception that the original would end with. */
export class PythonError extends Error {
  /** With its module, as a traceback names it: `FileNotFoundError`, `shutil.Error`. */
  readonly type: string
  /** What the original logs before it ends, if anything. */
  readonly logged: string | undefined

  constructor(type: string, message: string, options: { cause?: unknown; logged?: string } = {}) {
    super(message, options)
    this.type = type
    this.logged = options.logged
  }

  /** Head and last line of the traceback. The frames between them would be Marina's, and say nothing here. */
  get traceback(): string {
    return `Traceback (most recent call last):\n${this.type}: ${this.message}\n`
  }
}

/** Text of the C library and Python's class for each system error that can be met here. */
const systemErrors: Readonly<Record<string, readonly [text: string, type: string]>> = {
  EACCES: ['Permission denied', 'PermissionError'],
  EPERM: ['Operation not permitted', 'PermissionError'],
  ENOENT: ['No such file or directory', 'FileNotFoundError'],
  EEXIST: ['File exists', 'FileExistsError'],
  ENOTDIR: ['Not a directory', 'NotADirectoryError'],
  EISDIR: ['Is a directory', 'IsADirectoryError'],
  ENOTEMPTY: ['Directory not empty', 'OSError'],
  ELOOP: ['Too many levels of symbolic links', 'OSError'],
  ENAMETOOLONG: ['File name too long', 'OSError'],
  ENOSPC: ['No space left on device', 'OSError'],
  EDQUOT: ['Disk quota exceeded', 'OSError'],
  EROFS: ['Read-only file system', 'OSError'],
  EFBIG: ['File too large', 'OSError'],
  EMFILE: ['Too many open files', 'OSError'],
  ENFILE: ['Too many open files in system', 'OSError'],
  EIO: ['Input/output error', 'OSError'],
  ENXIO: ['No such device or address', 'OSError'],
  ETXTBSY: ['Text file busy', 'OSError'],
}

/** The system error of that code, about `path`. */
export function systemError(
  code: string,
  path: string,
  options: { cause?: unknown; logged?: string } = {},
): PythonError {
  const [text, type] = systemErrors[code] ?? [code, 'OSError']
  const numbers: Readonly<Record<string, number>> = constants.errno
  return new PythonError(type, `[Errno ${numbers[code] ?? 0}] ${text}: ${pythonRepr(path)}`, options)
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

/** A text as Python's `repr` writes it: in single quotes where it can, with what cannot be printed escaped. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  return quote + Array.from(text, (char) => (char === quote ? `\\${char}` : escaped(char))).join('') + quote
}

function escaped(char: string): string {
  const short = shortEscapes[char]
  if (short !== undefined) return short
  if (char === ' ' || !/[\p{C}\p{Z}]/u.test(char)) return char
  const code = char.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
