/** Which heads of requests are not to be answered but with 400 (contract security B5, G 11). */
import type { IncomingMessage } from 'node:http'

/** A request line with its carriage return: TorchServe's limit. */
const MAX_LINE_BYTES = 4096
/** All header lines with their carriage returns, the empty one included: TorchServe's limit. */
const MAX_HEADERS_BYTES = 8192

/** What Node's parser lets through at the most: it counts line and headers together. */
export const MAX_HEAD_BYTES = MAX_LINE_BYTES + MAX_HEADERS_BYTES

// ` HTTP/1.1` with the blanks around the target, and the carriage return.
const AROUND_TARGET_BYTES = 11
// `: ` and the carriage return.
const AROUND_VALUE_BYTES = 3

// Characters of a host and a port (RFC 3986 §3.2.2), user names left out.
const HOST = /^[\w\-.~%!$&'()*+,;=:[\]]*$/

/** What is looked at of a request. */
export type Head = Pick<
  IncomingMessage,
  'method' | 'url' | 'rawHeaders' | 'headers' | 'httpVersion' | 'httpVersionMajor'
>

/**
 * True when a head is too long, or may be read in two ways: what stands before this server could take it for another
 * request than the one that is answered here. Node's parser has refused most of those already.
 */
export function isRefusedHead(head: Head): boolean {
  return head.httpVersionMajor !== 1 || isTooLong(head) || isFramedTwoWays(head) || !hasOneHost(head)
}

function isTooLong({ method = '', url = '', rawHeaders }: Head): boolean {
  if (method.length + url.length + AROUND_TARGET_BYTES > MAX_LINE_BYTES) return true
  let bytes = 1 + (rawHeaders.length / 2) * AROUND_VALUE_BYTES
  for (const text of rawHeaders) bytes += text.length
  return bytes > MAX_HEADERS_BYTES
}

/** A body is in chunks and nothing else, and HTTP/1.0 knows no chunks (RFC 9112 §6.1). */
function isFramedTwoWays({ headers, httpVersion }: Head): boolean {
  const coding = headers['transfer-encoding']
  return coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0')
}

/** Exactly one in HTTP/1.1, and one that can be a host (RFC 9112 §3.2); Node keeps the first of several. */
function hasOneHost({ rawHeaders, headers: { host }, httpVersion }: Head): boolean {
  if (host === undefined) return httpVersion === '1.0'
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 && HOST.test(host)
}
