/** Opens an archive over HTTP: redirects only to where an archive may come from, and no waiting without end. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Pattern } from '../config/patterns.js'
import { isAllowedUrl } from './remote-url.js'

/** What bounds a download. */
export interface HttpLimits {
  /** Each hop must match one of them. */
  readonly allowedUrls: readonly Pattern[]
  /** Ends the download. */
  readonly signal?: AbortSignal
  /** Longest silence, while connecting and between two pieces; default a minute. */
  readonly idleTimeoutMs?: number
  /** Longest download as a whole; default an hour, which is 8 GiB at 2.4 MB/s. */
  readonly totalTimeoutMs?: number
}

const IDLE_TIMEOUT_MS = 60_000
const TOTAL_TIMEOUT_MS = 3_600_000
const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Resolves with the body of the final answer, whose status is 200. Rejects with the reason, for the log. */
export async function openHttp(url: URL, limits: HttpLimits): Promise<IncomingMessage> {
  const time = AbortSignal.timeout(limits.totalTimeoutMs ?? TOTAL_TIMEOUT_MS)
  const signal = limits.signal ? AbortSignal.any([time, limits.signal]) : time
  let at = url
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await get(at, { ...limits, signal })
    const { statusCode = 0, headers } = response
    if (statusCode === 200) return response
    response.destroy()
    if (!REDIRECTS.has(statusCode) || headers.location === undefined)
      throw new Error(`the server answered ${statusCode}`)
    at = redirected(headers.location, { from: at, allowedUrls: limits.allowedUrls })
  }
  throw new Error(`it is redirected more than ${MAX_REDIRECTS} times`)
}

/** Where a redirect leads. A way from HTTPS to HTTP, or out of both, is never taken. */
function redirected(
  location: string,
  { from, allowedUrls }: { from: URL; allowedUrls: readonly Pattern[] },
): URL {
  const to = new URL(location, from)
  const schemes = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
  if (!schemes.includes(to.protocol) || !isAllowedUrl(to.href, allowedUrls))
    throw new Error(`it is redirected to ${to.href}, which is not allowed`)
  return to
}

function get(
  url: URL,
  { idleTimeoutMs = IDLE_TIMEOUT_MS, signal }: HttpLimits & { readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    // `agent: false`: a socket of its own, which ends with the download.
    const request = send(url, { agent: false, signal })
    let response: IncomingMessage | undefined
    request.setTimeout(idleTimeoutMs, () => {
      const silence = new Error(`nothing came for ${idleTimeoutMs} ms`)
      if (response) response.destroy(silence)
      else request.destroy(silence)
    })
    request.once('response', (opened) => resolve((response = opened)))
    request.on('error', reject)
    request.end()
  })
}
