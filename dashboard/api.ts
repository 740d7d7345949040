/** What the page asks of the server, and the closed set of what may come of it. Nothing here throws. */
import type { PageModels } from '../src/http/page-types.js'
import type { Timing } from './server-timing.js'

/** The server cannot be reached, or what answers is no Marina server of this page's version. */
export interface Gone {
  readonly kind: 'gone'
  readonly message: string
}

/** The server answered that it will not. */
export interface Refused {
  readonly kind: 'refused'
  readonly status: number
  readonly message: string
}

/** Body of an answer, by its content type. */
export type Content =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'picture'; readonly picture: Blob }
  | { readonly kind: 'bytes'; readonly contentType: string; readonly sizeBytes: number }

/** An answer of a model. */
export interface Reply {
  readonly kind: 'reply'
  readonly content: Content
  /** Absent where the server sent no `Server-Timing`. */
  readonly timing: Timing | undefined
  /** From the click to the last byte, as this browser saw it. */
  readonly roundTripMs: number
}

/** What came of a request to a model. */
export type Asked = Reply | Refused | Gone

/** What came of asking for the models. */
export type Listed = { readonly kind: 'models'; readonly models: PageModels } | Gone

/** A request's body; undefined content type: the browser sets it (forms). */
export interface RequestBody {
  readonly body: Blob | string | FormData
  readonly contentType?: string
}

/** The server, as the page sees it. URLs are paths on it. */
export interface Api {
  models(signal: AbortSignal): Promise<Listed>
  ask(url: string, request: RequestBody, signal: AbortSignal): Promise<Asked>
  /** Bytes of a stored example; undefined when they cannot be had. */
  example(url: string, signal: AbortSignal): Promise<Blob | undefined>
}
