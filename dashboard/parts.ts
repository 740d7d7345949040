/** What is sent to a model: parts by input name, as a plain body where there is only one. */
import type { RequestBody } from './api.js'

/** The value of one input. */
export interface Part {
  /** Of the schema's input. */
  readonly name: string
  readonly data: Blob | string
  readonly contentType: string
  /** Under which the data can be saved; for text: none. */
  readonly fileName?: string
  /** Where the server keeps the same bytes. */
  readonly url?: string
}

/** At least one part. */
export type Parts = readonly [Part, ...Part[]]

/** `data` and `body` are the two names under which a handler finds a plain body. */
const isPlain = (parts: Parts): boolean =>
  parts.length === 1 && (parts[0].name === 'data' || parts[0].name === 'body')

/** The request that carries the parts. */
export function requestOf(parts: Parts): RequestBody {
  if (isPlain(parts)) return { body: parts[0].data, contentType: parts[0].contentType }
  const form = new FormData()
  for (const { name, data, contentType, fileName } of parts) {
    if (typeof data === 'string') form.append(name, data)
    else form.append(name, new Blob([data], { type: contentType }), fileName ?? name)
  }
  return { body: form }
}

/** The `curl` line that sends the same to `url`; saved files are expected in the current folder. */
export function curlOf(url: string, parts: Parts): string {
  if (!isPlain(parts)) return lines(`curl ${quoted(url)}`, ...parts.map(formOption))
  const [{ data, contentType, fileName = 'body', url: stored }] = parts
  const type = `-H ${quoted(`Content-Type: ${contentType}`)}`
  if (typeof data === 'string') return lines(`curl ${quoted(url)}`, type, `--data-raw ${quoted(data)}`)
  const from = stored === undefined ? quoted(`@${fileName}`) : '@-'
  const send = lines(`curl ${quoted(url)}`, type, `--data-binary ${from}`)
  return stored === undefined ? send : `curl -s ${quoted(stored)} |\n${send}`
}

/** One command over several lines, as a shell reads it. */
const lines = (...words: readonly string[]): string => words.join(' \\\n  ')

const formOption = ({ name, data, contentType, fileName = name }: Part): string =>
  typeof data === 'string'
    ? `--form-string ${quoted(`${name}=${data}`)}`
    : `-F ${quoted(`${name}=@${fileName};type=${contentType}`)}`

/** A word as a POSIX shell takes it literally. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
