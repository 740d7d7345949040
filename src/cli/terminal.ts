/** Colour and emphasis, only where a person looks at it. */

/** Wraps text in escape codes, or returns it as it is. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
}

const wrap = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`
const plain = (text: string): string => text

/** The style for a stream: none for files and pipes, and none where `NO_COLOR` is set (no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const coloured = stream.isTTY === true && !process.env['NO_COLOR']
  return coloured
    ? { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), green: wrap(32, 39) }
    : { bold: plain, dim: plain, red: plain, green: plain }
}
