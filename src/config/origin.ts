/** Where a value comes from. */

/** One source that named a value, or the table's default. */
export type Origin =
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'argument' }
  | { readonly kind: 'variable'; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  | { readonly kind: 'default' }

/** `--workers`, `TS_JOB_QUEUE_SIZE`, `config.properties:12`, `default`. */
export function printOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'flag':
      return `--${origin.flag}`
    case 'argument':
      return 'argument'
    case 'variable':
      return origin.variable
    case 'file':
      return `${origin.path}:${origin.line}`
    case 'default':
      return 'default'
    default:
      return origin satisfies never
  }
}
