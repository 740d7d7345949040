/** `/ping`: is the server worth keeping alive? Not a readiness probe (contract rest-api §4.1, scheduling §11). */
import type { Catalog } from '../serving/catalog.js'
import { isHopeless } from '../serving/readiness.js'
import { jsonResponse } from './responses.js'
import type { Route } from './routes.js'

/** `/ping`, any method, deeper paths too: 200 `Healthy` or 500 `Unhealthy`. */
export function healthRoute(catalog: Catalog): Route {
  return ({ target }) => {
    if (target.segments[0] !== 'ping') return undefined
    return isHealthy(catalog)
      ? jsonResponse({ status: 'Healthy' })
      : jsonResponse({ status: 'Unhealthy' }, 500)
  }
}

/**
 * The default version of each model has at least its minimum of workers that are not given up. A worker that loads for
 * the first time counts: a liveness probe must not kill a server whose model is large.
 */
function isHealthy(catalog: Catalog): boolean {
  return catalog
    .list()
    .flatMap(({ modelName }) => catalog.describe(modelName, undefined))
    .every(({ workers, minWorkers }) => workers.filter((worker) => !isHopeless(worker)).length >= minWorkers)
}
