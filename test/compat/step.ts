/** The words in which scenes are written: a step is one request as bytes, or a wait that is not compared. */
import type { Ports } from './original.js'

/** A port by its name. */
export type PortName = keyof Ports

/** One step of a scene. */
export type Step =
  | Ask
  /** Requests that arrive one after the other, each before the answer to the one before. */
  | { readonly kind: 'together'; readonly asks: readonly Ask[] }
  /** What the server has logged since the last look, once a line matches `end`: the lines that match `lines`. */
  | { readonly kind: 'logged'; readonly title: string; readonly lines: RegExp; readonly end: RegExp }
  /** Asks again and again until the body matches. */
  | { readonly kind: 'until'; readonly port: PortName; readonly target: string; readonly body: RegExp }
  /** Clears away what the two servers do not do at the same moment; its answer is not compared. */
  | { readonly kind: 'clear'; readonly port: PortName; readonly request: string }
  /** Keys of the file that the server wrote take the place of `{inference}`, `{management}` and `{API}` from here on. */
  | { readonly kind: 'read-keys' }
  /** Lines of a file that the server writes, each once and in alphabetical order, when all of `until` are there. */
  | { readonly kind: 'file'; readonly file: string; readonly until: readonly RegExp[] }

/** One request as bytes, one character each. */
export interface Ask {
  readonly kind: 'ask'
  readonly title: string
  readonly port: PortName
  readonly request: string
}

/** A server with its configuration, and what is asked of it, in order. */
export interface Scene {
  readonly name: string
  readonly config: readonly string[]
  readonly flags: readonly string[]
  /** Inference and management share a port. */
  readonly shared: boolean
  /** Numbers are compared to five digits: processors add in different orders. */
  readonly rounded?: boolean
  /** Variables that the server is given beside our own. */
  readonly env?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

/** Parts of a request beside its line. */
export interface More {
  /** What the step is about, where the request line does not say it. */
  readonly note?: string
  /** Lines, without their ends. */
  readonly headers?: readonly string[]
  /** One character a byte. */
  readonly body?: string
  /** Default: the body's length, where there is a body. */
  readonly contentLength?: number | 'none'
  readonly host?: boolean
}

const ask =
  (port: PortName) =>
  (line: string, more: More = {}): Ask => {
    const { note, headers = [], body, contentLength = body?.length ?? 'none', host = true } = more
    const head = [
      / HTTP\/\d/.test(line) ? line : `${line} HTTP/1.1`,
      ...(host ? ['Host: localhost'] : []),
      ...headers,
      ...(contentLength === 'none' ? [] : [`Content-Length: ${contentLength}`]),
    ]
    const title = note === undefined ? line : `${line} (${note})`
    return { kind: 'ask', title, port, request: `${head.join('\r\n')}\r\n\r\n${body ?? ''}` }
  }

/** A request to the inference port. */
export const infer = ask('inference')
/** A request to the management port. */
export const manage = ask('management')
/** A request to the metrics port. */
export const measure = ask('metrics')

/** Waits until a description says something. */
export const until = (target: string, body: RegExp): Step => ({
  kind: 'until',
  port: 'management',
  target,
  body,
})

/** Requests that are under way at the same time, sent in this order. */
export const together = (note: string, asks: readonly Ask[]): Step => ({
  kind: 'together',
  asks: asks.map((one, at) => ({ ...one, title: `${one.title} (${note}, ${at + 1} of ${asks.length})` })),
})

/** Lines of the server's log. */
export const logged = (title: string, lines: RegExp, end: RegExp = lines): Step => ({
  kind: 'logged',
  title,
  lines,
  end,
})

/** Waits until a scrape says something. */
export const untilMeasured = (target: string, body: RegExp): Step => ({
  kind: 'until',
  port: 'metrics',
  target,
  body,
})

/** Looks into a file that the server writes, when it holds what `until` asks for. */
export const fileOf = (file: string, until: readonly RegExp[]): Step => ({ kind: 'file', file, until })

/** Unregisters a model, if it is still there. */
export const clear = (model: string): Step => ({
  kind: 'clear',
  port: 'management',
  request: `DELETE /models/${model} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
})

/** A form of parts; each part is its head's lines and its body. */
export function multipart(parts: readonly (readonly [head: readonly string[], body: string])[]): More {
  const pieces = parts.map(([head, body]) => `--frontier\r\n${head.join('\r\n')}\r\n\r\n${body}\r\n`)
  return {
    headers: ['Content-Type: multipart/form-data; boundary=frontier'],
    body: `${pieces.join('')}--frontier--\r\n`,
  }
}

/** A body with its media type. */
export const typed = (contentType: string, body: string): More => ({
  headers: [`Content-Type: ${contentType}`],
  body,
})

/** What the probe is to do. */
export const act = (what: string, more: More = {}): More => ({
  note: what,
  ...more,
  headers: [`X-Do: ${what}`, ...(more.headers ?? [])],
})
