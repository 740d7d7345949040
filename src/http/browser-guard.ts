/**
 * Keeps web pages from using a browser on this machine as their hand: a management port on loopback asks for no key, so
 * any page that the user opens could otherwise register a model there, which is to run code.
 */
import { MarinaError } from '../errors.js'
import { headerOf } from './message.js'
import type { Route } from './routes.js'

const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i

/**
 * Refuses what changes something when it comes from another origin (its `Origin` is not the host that it talks to), or
 * under a name that is not this machine's (DNS rebinding). Programs send no `Origin` and pass.
 */
export const browserGuard: Route = ({ request }) => {
  if (HARMLESS.has(request.method)) return undefined
  const host = headerOf(request.rawHeaders, 'host') ?? ''
  const origin = headerOf(request.rawHeaders, 'origin')
  if (origin === undefined || (origin === `http://${host}` && LOOPBACK_HOST.test(host))) return undefined
  throw new MarinaError(
    'illegal-argument',
    `Requests from the web page at ${origin} may not change models here.`,
  )
}
