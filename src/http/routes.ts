/** How a port finds who answers: routes are tried in order, and nobody means 404 (contract rest-api §1). */
import { endpointNotFound } from '../errors.js'
import type { HttpHandler, HttpRequest, HttpResponse, ResponseStream } from './message.js'
import { parseTarget, type Target } from './target.js'

/** The three roles of a port. */
export type PortRole = 'inference' | 'management' | 'metrics'

/** A request with its target taken apart. */
export interface Ask {
  readonly request: HttpRequest
  readonly stream: ResponseStream
  readonly target: Target
}

/** Answers, or returns undefined where the path is not its own. Throws and rejects with MarinaErrors. */
export type Route = (ask: Ask) => HttpResponse | Promise<HttpResponse> | undefined

/** One port from its routes. The first that claims the path answers. */
export function routePort(routes: readonly Route[]): HttpHandler {
  return (request, stream) => {
    const ask = { request, stream, target: parseTarget(request.target) }
    for (const route of routes) {
      const response = route(ask)
      if (response !== undefined) return response
    }
    throw endpointNotFound()
  }
}
