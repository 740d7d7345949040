/** Dates as log4j's patterns ask for them, in local time. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const NAMED: Readonly<Record<string, string>> = {
  '': 'yyyy-MM-dd HH:mm:ss,SSS',
  DEFAULT: 'yyyy-MM-dd HH:mm:ss,SSS',
  ISO8601: "yyyy-MM-dd'T'HH:mm:ss,SSS",
  ISO8601_BASIC: "yyyyMMdd'T'HHmmss,SSS",
  ABSOLUTE: 'HH:mm:ss,SSS',
  DATE: 'dd MMM yyyy HH:mm:ss,SSS',
  COMPACT: 'yyyyMMddHHmmssSSS',
}

const PIECE = /'([^']*)'|(y+|M+|d+|H+|m+|s+|S+)|([A-Za-z]+)|([^A-Za-z']+)/g

/** Milliseconds since 1970 as text. */
export type DateText = (epochMs: number) => string

/** The format of a name or a pattern of Java's letters; undefined for letters that are not known here. */
export function dateText(format: string): DateText | undefined {
  if (format === 'UNIX_MILLIS') return String
  if (format === 'UNIX') return (epochMs) => String(Math.floor(epochMs / 1000))
  const pieces = [...(NAMED[format] ?? format).matchAll(PIECE)]
  if (pieces.some(([, , , unknown]) => unknown !== undefined)) return undefined
  return cached((date) =>
    pieces
      .map(([piece, quoted, letters]) => quoted ?? (letters === undefined ? piece : field(date, letters)))
      .join(''),
  )
}

function field(date: Date, letters: string): string {
  const number = (value: number) => String(value).padStart(letters.length, '0')
  switch (letters.charAt(0)) {
    case 'y':
      return letters.length === 2 ? String(date.getFullYear()).slice(-2) : number(date.getFullYear())
    case 'M':
      return letters.length === 3 ? (MONTHS[date.getMonth()] ?? '') : number(date.getMonth() + 1)
    case 'd':
      return number(date.getDate())
    case 'H':
      return number(date.getHours())
    case 'm':
      return number(date.getMinutes())
    case 's':
      return number(date.getSeconds())
    default:
      return MILLIS.padEnd(letters.length, MILLIS)
  }
}

// Stands for milliseconds in what is kept for a second; no date holds it (a character for private use).
const MILLIS = '\uE000'
const MILLIS_RUN = /(\uE000+)/

/** A busy server writes many lines a second, and all but the milliseconds is the same. */
function cached(write: (date: Date) => string): DateText {
  let second = NaN
  let parts: readonly string[] = []
  return (epochMs) => {
    const now = Math.floor(epochMs / 1000)
    if (now !== second) {
      parts = write(new Date(epochMs)).split(MILLIS_RUN)
      second = now
    }
    const millis = String(epochMs - now * 1000)
    let text = ''
    // Fewer letters than digits cut nothing, as in log4j.
    for (const part of parts) text += part.startsWith(MILLIS) ? millis.padStart(part.length, '0') : part
    return text
  }
}
