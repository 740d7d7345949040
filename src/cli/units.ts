/** Sizes as a person reads them. */

const units = ['kB', 'MB', 'GB', 'TB'] as const

/** `317 B`, `13.6 MB`: powers of 1000, three digits. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  let value = bytes / 1000
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`
}
