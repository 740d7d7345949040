/** The configured CORS headers, word for word as TorchServe sends them: no origin is looked at (contract security B3). */
import type { Config } from '../config/config.js'
import type { HeaderList } from './message.js'

/** Names and values of what is configured; empty where nothing is. */
export function corsHeaders(config: Pick<Config, 'corsOrigin' | 'corsMethods' | 'corsHeaders'>): HeaderList {
  const headers = {
    'access-control-allow-origin': config.corsOrigin,
    'access-control-allow-methods': config.corsMethods,
    'access-control-allow-headers': config.corsHeaders,
  }
  return Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
}

/** The headers of `cors` that an answer does not have itself: a model's handler knows better. */
export function corsBeside(cors: HeaderList, headers: HeaderList): HeaderList {
  const own = new Set(headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()))
  return cors.filter((_, i) => !own.has(cors[i - (i % 2)] ?? ''))
}
