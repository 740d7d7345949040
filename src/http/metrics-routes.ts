/** The metrics port: Prometheus text (contract rest-api §8). */
import { CONTENT_TYPE, type Metrics } from '../metrics/metrics.js'
import type { HttpResponse } from './message.js'
import type { Route } from './routes.js'

/** `/metrics`, any method, deeper paths too; `?name[]=` keeps only the samples of these names. */
export function metricsRoute(metrics: Metrics): Route {
  return ({ request, target }) =>
    target.segments[0] === 'metrics' ? scrape(metrics, namesOf(request.target)) : undefined
}

function scrape(metrics: Metrics, names: ReadonlySet<string>): HttpResponse {
  return { kind: 'whole', status: 200, headers: ['content-type', CONTENT_TYPE], body: metrics.text(names) }
}

/** All values of the repeated parameter, of which {@link Target.query} keeps only the first. */
function namesOf(requestTarget: string): ReadonlySet<string> {
  const mark = requestTarget.indexOf('?')
  return new Set(mark === -1 ? [] : new URLSearchParams(requestTarget.slice(mark)).getAll('name[]'))
}
