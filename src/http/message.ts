/** A request and its answer as routes see them: no sockets here, so that routes are tested with plain objects. */

import type { HangUp } from '../serving/job.js'

/** One HTTP request. Header names keep the client's spelling in `rawHeaders` (name, value, name, value …). */
export interface HttpRequest {
  /** The `x-request-id` of the answer: made here, never the client's. */
  readonly id: string
  readonly method: string
  /** Request target as sent: path and query, undecoded. */
  readonly target: string
  readonly rawHeaders: readonly string[]
  /** On the server's clock, when the head had arrived. */
  readonly receivedMs: number
  /** Aborted when the client hangs up before its answer is complete. */
  readonly signal: HangUp
  /** Reads the whole body; call it once. Rejects with body-too-large, overloaded or bad-request. */
  body(): Promise<Uint8Array>
}

/** Flat list of header names and values: name, value, name, value … */
export type HeaderList = readonly string[]

/** An answer that is known whole. */
export interface WholeResponse {
  readonly kind: 'whole'
  readonly status: number
  /** Reason phrase; absent: the standard one of the status. */
  readonly reason?: string
  readonly headers: HeaderList
  readonly body: Uint8Array | string
}

/** How a route ends: with an answer, with a stream that it has written, or with a stream that has to be broken off. */
export type HttpResponse = WholeResponse | { readonly kind: 'streamed' } | { readonly kind: 'broken' }

/** Where a route writes a streamed answer. Calls after the client has gone reject. */
export interface ResponseStream {
  /** Writes status and headers; at most once, before the first piece. */
  open(head: { readonly status: number; readonly reason?: string; readonly headers: HeaderList }): void
  /** Writes one piece as one HTTP chunk; resolves when the client has taken enough of it for the next. */
  write(data: Uint8Array): Promise<void> | undefined
}

/** What answers requests: one port, one route, or a stand-in of a test. */
export type HttpHandler = (
  request: HttpRequest,
  stream: ResponseStream,
) => HttpResponse | Promise<HttpResponse>

/** First value of a header, in any letter case; undefined when the client did not send it. */
export function headerOf(rawHeaders: HeaderList, lowerCaseName: string): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName)
      return rawHeaders[i + 1]
  }
  return undefined
}
