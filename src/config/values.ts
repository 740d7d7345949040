/** Kinds of configuration values: how each is written, read and printed. */
import { resolve } from 'node:path'
import type { LogLevel } from '../log.js'

/** A host and a port to listen on. Port 0 takes a free one. */
export interface TcpAddress {
  readonly host: string
  readonly port: number
  /** Written as `https://`. */
  readonly tls?: boolean
}

/** A Unix socket to listen on, written as `unix:/path`: an absolute path. */
export interface SocketAddress {
  readonly path: string
}

/** An address to listen on. */
export type Address = TcpAddress | SocketAddress

/** As TorchServe writes it: `http://127.0.0.1:8080`, `https://[::1]:8443`, `unix:/path`. */
export function addressUrl(address: Address): string {
  if ('path' in address) return `unix:${address.path}`
  const { host, port, tls } = address
  return `http${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** True where it is `https://`. */
export const isTls = (address: Address): boolean => ('tls' in address ? (address.tls ?? false) : false)

/** What a value could not be read for: words that complete "<flag> must be …". */
export interface Unreadable {
  readonly mustBe: string
  /** What TorchServe says of it; under its name that stands in front. */
  readonly original?: string
}

const notANumber = (text: string, mustBe: string): Unreadable => ({
  mustBe,
  original: `For input string: ${JSON.stringify(text)}`,
})

/** A value that was read. */
export interface Readable<T> {
  readonly value: T
  /** What was left out of it, a sentence each. */
  readonly warnings?: readonly string[]
}

/** One kind of value. `T` is what stands in the Config. */
export interface Kind<T> {
  /** Placeholder in help: `--max-request-size BYTES`; undefined for switches. */
  readonly placeholder: string | undefined
  /** Unit of the text; the Config's unit ends its name. */
  readonly unit?: string
  parse(text: string): Readable<T> | Unreadable
  /** The value as it would be written in a file or on a command line. */
  print(value: T): string
  /** What TorchServe makes of a text that it cannot read; absent: it does not start. */
  readonly otherwise?: T
}

/** A whole number from `least` upwards. */
export const count = (least: number, placeholder = 'N'): Kind<number> => ({
  placeholder,
  parse: (text) =>
    /^[+-]?\d{1,9}$/.test(text.trim()) && Number(text) >= least
      ? { value: Number(text) }
      : notANumber(text, `a whole number of at least ${least}`),
  print: String,
})

/** A port; 0 takes a free one. */
export const port: Kind<number> = {
  placeholder: 'PORT',
  parse: (text) =>
    /^\d{1,5}$/.test(text.trim()) && Number(text) <= 65_535
      ? { value: Number(text) }
      : notANumber(text, 'a port from 0 to 65535'),
  print: String,
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Bytes: `6553500`, or with a unit of 1024: `64m`, `1g`, `512KiB`. */
export const bytes: Kind<number> = {
  placeholder: 'BYTES',
  unit: 'bytes',
  parse(text) {
    const match = /^\+?(\d{1,15})\s*([kmg]?)(?:i?b)?$/i.exec(text.trim())
    const value = Number(match?.[1] ?? NaN) * (BYTE_UNITS[match?.[2]?.toLowerCase() ?? ''] ?? NaN)
    return value > 0 && Number.isSafeInteger(value)
      ? { value }
      : notANumber(text, 'a number of bytes such as 6553500 or 64m')
  },
  print: String,
}

/** Milliseconds, whole. */
export const milliseconds: Kind<number> = { ...count(0, 'MS'), unit: 'ms' }

/** Milliseconds without a bound: the empty text, or none. */
export const unboundedMilliseconds: Kind<number | undefined> = {
  placeholder: 'MS',
  unit: 'ms',
  parse: (text) =>
    /^\d{1,15}$/.test(text.trim())
      ? { value: Number(text) }
      : text.trim() === ''
        ? { value: undefined }
        : { mustBe: 'a whole number of milliseconds' },
  print: (value) => (value === undefined ? '' : String(value)),
}

/** A time that is written in `unit` and kept in milliseconds. Fractions are allowed. */
const time = (placeholder: string, unit: string, scale: number): Kind<number> => ({
  placeholder,
  unit,
  parse: (text) =>
    /^\+?\d{1,7}(\.\d{1,9})?$/.test(text.trim())
      ? { value: Math.round(Number(text) * scale) }
      : notANumber(text, `a number of ${placeholder.toLowerCase()}`),
  print: (ms) => String(ms / scale),
})

/** Seconds outside, milliseconds inside. */
export const seconds: Kind<number> = time('SECONDS', 's', 1000)

/** Minutes outside, milliseconds inside. */
export const minutes: Kind<number> = time('MINUTES', 'min', 60_000)

/** `true` or `false`; as a flag also `--name` and `--no-name`. TorchServe takes all that is not `true` for false. */
export const boolean: Kind<boolean> = {
  placeholder: undefined,
  parse: (text) =>
    /^(true|false)$/i.test(text.trim())
      ? { value: text.trim().toLowerCase() === 'true' }
      : { mustBe: 'true or false' },
  print: String,
  otherwise: false,
}

/** A switch whose key says the opposite of the setting: `disable_…`. */
export const opposite: Kind<boolean> = {
  ...boolean,
  parse(text) {
    const result = boolean.parse(text)
    return 'value' in result ? { value: !result.value } : result
  },
  print: (value) => String(!value),
  otherwise: true,
}

/** A text as it stands; the empty one is none. */
export const text = (placeholder: string): Kind<string | undefined> => ({
  placeholder,
  parse: (value) => ({ value: value === '' ? undefined : value }),
  print: (value) => value ?? '',
})

/** A text that is never empty. */
export const word = (placeholder: string): Kind<string> => ({
  placeholder,
  parse: (value) => (value.trim() === '' ? { mustBe: 'given' } : { value: value.trim() }),
  print: (value) => value,
})

/** A text for the head of an HTTP answer: visible characters and blanks; the empty one is none. */
export const headerValue: Kind<string | undefined> = {
  ...text('TEXT'),
  // A line break would let the configuration write further headers.
  parse: (value) =>
    /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
      ? { value: value.trim() === '' ? undefined : value.trim() }
      : { mustBe: 'one line that may stand in an HTTP header' },
}

const path = (placeholder: string): Kind<string | undefined> => ({
  placeholder,
  parse: (value) => ({ value: value.trim() === '' ? undefined : resolve(value.trim()) }),
  print: (value) => value ?? '',
})

/** A folder, made absolute; the empty text is none. */
export const folder: Kind<string | undefined> = path('DIR')

/** A file, made absolute; the empty text is none. */
export const file: Kind<string | undefined> = path('FILE')

/** Words between blanks. */
export const words = (placeholder: string): Kind<readonly string[]> => ({
  placeholder,
  parse: (value) => ({ value: value.split(/\s+/).filter((part) => part !== '') }),
  print: (value) => value.join(' '),
})

/** One of a few words; TorchServe takes the first for a word that it does not know. */
export const oneOf = <const T extends string>(...choices: readonly [T, ...T[]]): Kind<T> => ({
  placeholder: choices.join('|'),
  parse(value) {
    const found = choices.find((choice) => choice === value.trim().toLowerCase())
    return found === undefined ? { mustBe: `one of ${choices.join(', ')}` } : { value: found }
  },
  print: (value) => value,
  otherwise: choices[0],
})

/** Quietest records that are written. */
export const logLevels: Kind<LogLevel> = oneOf('info', 'debug', 'warn', 'error')

/** Reads a value with all its blanks left out. */
export const withoutBlanks = <T extends string>(kind: Kind<T>): Kind<T> => ({
  ...kind,
  parse: (value) => kind.parse(value.replace(/\s/g, '')),
})
