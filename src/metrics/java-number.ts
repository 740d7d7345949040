/** Numbers as Java writes a double: dashboards and scripts match them (contract metrics §7.2, §10.3). */

/** `1.0`, `364.884`, `1.2345678E7`, `1.0E-4`, `NaN`, `+Inf`. */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-3 && size < 1e7)) return withFraction(String(value))
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${withFraction(digits)}E${Number(exponent)}`
}

const withFraction = (digits: string): string => (digits.includes('.') ? digits : `${digits}.0`)
