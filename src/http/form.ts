/** Request bodies that hold several inputs: multipart and urlencoded forms (contract rest-api §5, §16). */
import { Dicer } from '@fastify/busboy'
import { badRequest, type MarinaError } from '../errors.js'
import type { InferenceRequest } from '../serving/job.js'

/** One named input of a request. */
export type InputPart = Extract<InferenceRequest['input'], { kind: 'parts' }>['parts'][number]

/** One input: a part with its bytes inline. */
export const partOf = (name: string, data: Uint8Array, contentType?: string): InputPart => ({
  name,
  ...(contentType === undefined ? {} : { contentType }),
  body: { kind: 'inline', data },
})

// RFC 2046 §5.1.1 has 70; some clients make longer ones.
const MAX_BOUNDARY_BYTES = 200
// A part costs 45 µs before anything looks at it; forms with a hundred are rare.
const MAX_PARTS = 1000

/**
 * The boundary of a `multipart/form-data` content type (matched in this case only); undefined for other types. Throws
 * bad-request for one that no client makes.
 */
export function boundaryOf(contentType: string): string | undefined {
  if (!contentType.startsWith('multipart/form-data')) return undefined
  const match = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary !== undefined && boundary.length > MAX_BOUNDARY_BYTES)
    throw badRequest(`The multipart boundary is longer than ${MAX_BOUNDARY_BYTES} characters.`)
  return boundary
}

/** Counted before the parts are read: the search for the boundary costs next to nothing. */
function hasTooManyParts(body: Uint8Array, boundary: string): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  let parts = 0
  for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, at + delimiter.length))
    if (++parts > MAX_PARTS + 1) return true // the last one is the end
  return false
}

/**
 * Parts of a multipart body; of a repeated name the last one. A body without its end boundary, or with another one,
 * has no parts. Rejects with bad-request for a part without a name, for base64 parts, and for more than a thousand.
 *
 * Stands on busboy's lower layer, since busboy itself cannot tell a file without a content type (as Python's
 * `requests` sends them) from one of `text/plain`.
 */
export function parseMultipart(body: Uint8Array, boundary: string): Promise<InputPart[]> {
  if (hasTooManyParts(body, boundary))
    return Promise.reject(badRequest(`The multipart body has more than ${MAX_PARTS} parts.`))
  return new Promise((resolve, reject) => {
    const parts = new Map<string, InputPart>()
    const dicer = new Dicer({ boundary })
    let open = 0
    let finished = false
    // An empty part ends after the body's own `finish`.
    const settle = () => {
      if (finished && open === 0) resolve([...parts.values()])
    }
    dicer.on('part', (part) => {
      const pieces: Buffer[] = []
      let head: PartHead | MarinaError | undefined
      open++
      part.on('header', (header) => {
        head = parsePartHead(header as PartHeaders)
        if (head instanceof Error) reject(head)
      })
      part.on('data', (piece: Buffer) => pieces.push(piece))
      part.on('error', () => undefined) // cut off: the dicer's own error says so
      part.on('end', () => {
        open--
        if (head && !(head instanceof Error))
          keepLast(parts, partOf(head.name, join(pieces), head.contentType))
        settle()
      })
    })
    dicer.on('error', () => resolve([]))
    dicer.on('finish', () => {
      finished = true
      settle()
    })
    dicer.end(body)
  })
}

const join = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)

function keepLast(parts: Map<string, InputPart>, part: InputPart): void {
  parts.delete(part.name)
  parts.set(part.name, part)
}

type PartHeaders = Readonly<Record<string, readonly string[]>>

interface PartHead {
  readonly name: string
  readonly contentType: string | undefined
}

function parsePartHead(header: PartHeaders): PartHead | MarinaError {
  const disposition = header['content-disposition']?.[0] ?? ''
  const name = parameterOf(disposition, 'name')
  if (!name) return badRequest('A part of the multipart body has no name.')
  const encoding = header['content-transfer-encoding']?.[0]?.trim().toLowerCase()
  if (encoding !== undefined && !['7bit', '8bit', 'binary'].includes(encoding))
    return badRequest(`The part "${name}" has the Content-Transfer-Encoding ${encoding}; send plain bytes.`)
  // Plain fields carry no type even where the part states one; files always do.
  const isFile = /;\s*filename\*?\s*=/i.test(disposition)
  const stated = header['content-type']?.[0]?.split(';')[0]?.trim()
  return { name, contentType: isFile ? stated || 'application/octet-stream' : undefined }
}

/** A parameter of a Content-Disposition, quoted or not; header text arrives as latin-1 and is UTF-8. */
function parameterOf(disposition: string, parameter: string): string | undefined {
  const pattern = new RegExp(`;\\s*${parameter}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i')
  const match = pattern.exec(disposition)
  const value = match?.[1]?.replace(/\\(["\\])/g, '$1') ?? match?.[2]
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8')
}

/**
 * Fields of an urlencoded body; of a repeated name the last one. A name without `=` is an empty field, but dropped where
 * it stands last (so TorchServe 0.12.0); an empty body has no fields. Throws bad-request for an empty name, a body of separators only, and a malformed escape.
 */
export function parseUrlencoded(body: Uint8Array): InputPart[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  const pairs = text.split('&').filter((pair) => pair !== '')
  if (text !== '' && pairs.length === 0) throw badRequest('The form body has separators but no fields.')
  const fields = new Map<string, InputPart>()
  for (const [at, pair] of pairs.entries()) {
    const equals = pair.indexOf('=')
    if (equals === 0) throw badRequest('A field of the form body has no name.')
    if (equals === -1 && at === pairs.length - 1) break
    const name = decodeBytes(equals === -1 ? pair : pair.slice(0, equals)).toString('utf8')
    keepLast(fields, partOf(name, decodeBytes(equals === -1 ? '' : pair.slice(equals + 1))))
  }
  return [...fields.values()]
}

/** Percent escapes and plus signs to bytes; `text` holds one byte a character. */
function decodeBytes(text: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw badRequest(`Malformed percent escape in the form body: ${text}`)
  const plain = text.replaceAll('+', ' ')
  const unescaped = plain.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  return Buffer.from(unescaped, 'latin1')
}
