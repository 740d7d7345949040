/** Who has to show which key, and `/token`, which makes new ones (contract security §A1.3–A1.6). */
import { MarinaError } from '../errors.js'
import { headerOf } from './message.js'
import { isProbe } from './probes.js'
import type { Ask, PortRole, Route } from './routes.js'
import type { KeyKind, Tokens } from './tokens.js'

const refusal = (what: 'Authorization' | 'Authentication'): MarinaError =>
  new MarinaError(
    'invalid-token',
    `Token ${what} failed. Token either incorrect, expired, or not provided correctly`,
  )

/**
 * Stands before all routes of a port but the API's own description, and refuses who shows no key. On a port with several
 * roles the path says which key; TorchServe asks for both there, and no header can show two.
 */
export function tokenGuard(tokens: Tokens, roles: readonly PortRole[]): Route {
  return (ask) => {
    const kind = keyOf(ask, roles)
    if (kind === undefined || kind === 'API') return undefined
    if (!tokens.accepts(kind, headerOf(ask.request.rawHeaders, 'authorization')))
      throw refusal('Authorization')
    return undefined
  }
}

/** The key that a path asks for; undefined: none. */
function keyOf({ target }: Ask, roles: readonly PortRole[]): KeyKind | undefined {
  const [first, second, third] = target.segments
  const manages = roles.includes('management')
  if (manages && first === 'token' && second === undefined) return 'API'
  if (!roles.includes('inference')) return manages ? 'management' : undefined
  if (roles.includes('metrics') && first === 'metrics') return undefined
  // A kubelet has no key.
  if (isProbe(target.segments)) return undefined
  const isManagement = manages && (first === 'workflows' || (first === 'models' && third !== 'invoke'))
  return isManagement ? 'management' : 'inference'
}

/** `/token?type=inference` or `management`, by any method: a new key, which stands in the file and not in the answer. */
export function tokenRoute(tokens: Tokens): Route {
  return ({ request, target }) => {
    if (target.segments[0] !== 'token' || target.segments.length > 1) return undefined
    const kind = target.query.get('type')
    if (!tokens.accepts('API', headerOf(request.rawHeaders, 'authorization'))) throw refusal('Authentication')
    if (kind !== 'management' && kind !== 'inference') throw refusal('Authentication')
    tokens.renew(kind)
    return { kind: 'whole', status: 200, headers: ['content-type', 'application/json'], body: '\n' }
  }
}
