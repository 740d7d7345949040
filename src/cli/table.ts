/** Tables: padded columns on a terminal; tabs elsewhere, for `cut` and `awk`. */

/** A cell, and how it lies in its column. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** The lines of a table, with its titles on a terminal only. */
export function tableText(
  columns: readonly Column[],
  {
    rows,
    terminal,
    indent = '',
  }: { rows: readonly (readonly string[])[]; terminal: boolean; indent?: string },
): string {
  if (!terminal) return rows.map((row) => `${row.join('\t')}\n`).join('')
  const all = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) =>
        columns[at]?.align === 'right' ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return all.map((row) => `${indent}${line(row)}\n`).join('')
}
