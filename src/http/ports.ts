/** Which routes stand on which port: TorchServe's three, put together where their addresses are equal. */
import type { SecureContext } from 'node:tls'
import type { Clock } from '../clock.js'
import { addressUrl, isTls, type Address, type Config } from '../config/config.js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Catalog } from '../serving/catalog.js'
import type { Infer } from '../serving/job.js'
import { accessLog } from './access-log.js'
import { createByteBudget } from './body.js'
import { browserGuard } from './browser-guard.js'
import { corsHeaders } from './cors.js'
import { inferenceRoutes, rootRoute } from './inference-routes.js'
import { listen, type Listener } from './listener.js'
import type { HttpHandler } from './message.js'
import { managementRoutes } from './management-routes.js'
import { metricsRoute } from './metrics-routes.js'
import { openApiRoute } from './openapi-routes.js'
import { pageRoute } from './page-routes.js'
import { probeRoute, type ServerLife } from './probes.js'
import { tokenGuard, tokenRoute } from './token-routes.js'
import type { Tokens } from './tokens.js'
import { routePort, type PortRole, type Route } from './routes.js'

/** What the ports serve. */
export interface PortDeps {
  readonly config: Config
  readonly catalog: Catalog
  readonly infer: Infer
  readonly metrics: Metrics
  readonly life: ServerLife
  readonly clock: Clock
  readonly log: Logger
  readonly serverVersion: string
  /** Undefined: nobody is asked for a key. */
  readonly tokens?: Tokens | undefined
  /** Key and certificate of addresses that are `https://`. */
  readonly tls?: SecureContext | undefined
}

/** Where each role listens, with the real port where 0 was asked for. */
export interface BoundAddresses {
  readonly inference: Address
  readonly management: Address
  /** Undefined where there is no port for metrics. */
  readonly metrics: Address | undefined
}

/** All ports, listening. */
export interface Ports {
  readonly addresses: BoundAddresses
  /** See {@link Listener.close}. */
  close(signal: AbortSignal): Promise<void>
}

/** Routes of each role. */
export function portRoutes({
  config,
  catalog,
  infer,
  metrics,
  life,
  clock,
  log,
  serverVersion,
}: PortDeps): Record<PortRole, Route[]> {
  const torchserve = config.profile === 'torchserve'
  const predictions = { infer, catalog, log, torchserve, verboseErrors: config.verboseErrors }
  const management = {
    infer,
    catalog,
    log,
    torchserve,
    serverVersion,
    modelApi: config.modelApi,
    maxWorkers: config.maxWorkers,
  }
  return {
    inference: [
      ...inferenceRoutes({ ...predictions, nowMs: () => clock.nowMs() }),
      probeRoute({ catalog, life, verboseErrors: config.verboseErrors }),
      ...(config.page ? [pageRoute({ catalog, serverVersion })] : []),
    ],
    management: [...(torchserve ? [] : [browserGuard]), ...managementRoutes(management)],
    metrics: [metricsRoute(metrics)],
  }
}

/** Answers for one port, whatever roles it has. */
export function portHandler(
  roles: readonly PortRole[],
  { routes, ...deps }: PortDeps & { readonly routes: Readonly<Record<PortRole, readonly Route[]>> },
): HttpHandler {
  const document = openApiRoute({ ...deps, roles })
  const { tokens } = deps
  const guard = tokens ? [tokenGuard(tokens, roles)] : []
  const renewal = tokens && roles.includes('management') ? [tokenRoute(tokens)] : []
  return routePort([document, ...guard, ...renewal, ...roles.flatMap((role) => routes[role]), rootRoute])
}

interface Plan {
  readonly role: PortRole
  readonly address: Address
}

/** Opens all ports, inference first. Rejects with cannot-listen; what was open is closed again. */
export async function openPorts(deps: PortDeps): Promise<Ports> {
  const { config } = deps
  const routes = portRoutes(deps)
  const budget = createByteBudget(config.maxBufferedBytes)
  const cors = corsHeaders(config)
  const { maxRequestBytes, headTimeoutMs, stallTimeoutMs, maxConnections } = config
  const limits = { maxRequestBytes, headTimeoutMs, stallTimeoutMs, maxConnections }
  const access = config.accessLog ? accessLog(deps.log) : undefined
  const open: OpenPort[] = []
  const closeAll = async (signal: AbortSignal) => {
    await Promise.all(open.map(({ listener }) => listener.close(signal)))
  }
  for (const { address, roles } of groupByAddress(config)) {
    const { clock, log, metrics } = deps
    const handle = portHandler(roles, { ...deps, routes })
    const countStatus = (status: number) => metrics.countStatus(status)
    const countHangUp = () => metrics.countHangUp('receiving')
    try {
      const tls = isTls(address) ? deps.tls : undefined
      const options = { handle, clock, log, budget, cors, countStatus, countHangUp, access, tls, ...limits }
      open.push({ listener: await listen(address, options), roles })
    } catch (error) {
      await closeAll(AbortSignal.abort(messageOf(error)))
      throw error
    }
  }
  return { addresses: boundAddresses(open), close: closeAll }
}

/** Equal addresses are one port; port 0 is a port of its own each time. */
function groupByAddress(config: Config): { address: Address; roles: PortRole[] }[] {
  const plans: Plan[] = [
    { role: 'inference', address: config.inferenceAddress },
    { role: 'management', address: config.managementAddress },
    ...(config.metricsApi ? [{ role: 'metrics', address: config.metricsAddress } as const] : []),
  ]
  const groups: { address: Address; roles: PortRole[] }[] = []
  for (const { role, address } of plans) {
    const ofItsOwn = 'port' in address && address.port === 0
    const same = groups.find((group) => !ofItsOwn && addressUrl(group.address) === addressUrl(address))
    if (same) same.roles.push(role)
    else groups.push({ address, roles: [role] })
  }
  // One port for everything shows metrics, too, as TorchServe's does.
  const shared = groups.find(({ roles }) => roles.includes('inference') && roles.includes('management'))
  if (shared && config.metricsApi && !shared.roles.includes('metrics')) shared.roles.push('metrics')
  return groups
}

interface OpenPort {
  readonly listener: Listener
  readonly roles: readonly PortRole[]
}

function boundAddresses(open: readonly OpenPort[]): BoundAddresses {
  const find = (role: PortRole): Address | undefined =>
    // The last one: a shared port shows metrics beside the port that is theirs.
    open.findLast(({ roles }) => roles.includes(role))?.listener.address
  const of = (role: PortRole): Address => {
    const found = find(role)
    if (!found) throw new Error(`No port has the role ${role}.`)
    return found
  }
  return { inference: of('inference'), management: of('management'), metrics: find('metrics') }
}
