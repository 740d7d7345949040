/** Settings: metrics and logs (contract server-config §5.4). */
import type { LogLevel } from '../log.js'
import { both, row } from './setting.js'
import { boolean, file, logLevels, oneOf, opposite, seconds, withoutBlanks, words } from './values.js'

/** Rows of the table. */
export const telemetryRows = {
  metricsApi: row({
    key: 'enable_metrics_api',
    kind: boolean,
    defaults: both(true),
    description: 'Open the metrics port. Without it there is no /metrics; logs go on.',
  }),
  metricsMode: row<'log' | 'prometheus' | 'legacy'>({
    key: 'metrics_mode',
    kind: withoutBlanks(oneOf('log', 'prometheus', 'legacy')),
    defaults: { marina: 'prometheus', torchserve: 'log' },
    description:
      'Where metrics go: lines of logs, /metrics for Prometheus, or (legacy) three counters there and the rest in logs.',
  }),
  metricsConfig: row({
    key: 'metrics_config',
    kind: file,
    defaults: both(undefined),
    description: 'YAML file that defines the metrics, in place of the built-in definitions.',
  }),
  detectModelMetrics: row({
    key: 'model_metrics_auto_detect',
    kind: boolean,
    defaults: { marina: true, torchserve: false },
    description: 'Accept metrics of handlers that the metrics file does not define.',
  }),
  extendedMetrics: row({
    key: 'extended_metrics',
    kind: boolean,
    defaults: { marina: true, torchserve: false },
    description:
      'Show families beside TorchServe’s at /metrics: times of each phase, outcomes, replays, deaths, queues, workers.',
  }),
  systemMetrics: row({
    key: 'disable_system_metrics',
    kind: opposite,
    defaults: both(true),
    description: 'Measure the host. The key of the file and its variable say the opposite.',
  }),
  systemMetricsCommand: row({
    key: 'system_metrics_cmd',
    variable: null,
    kind: words('COMMAND'),
    defaults: both([]),
    description:
      'Script for Python, with its arguments, that measures the host in place of the built-in meter.',
  }),
  systemMetricsEveryMs: row({
    key: 'metric_time_interval',
    variable: null,
    kind: seconds,
    defaults: both(60_000),
    description: 'Time between two measurements of the host.',
  }),
  asyncLogging: row({
    key: 'async_logging',
    kind: boolean,
    defaults: both(false),
    unused: 'Records are written without waiting in any case.',
    description: 'Write log records from a thread of their own.',
  }),
  logLevel: row<LogLevel>({
    key: 'log_level',
    flag: 'log-level',
    kind: logLevels,
    defaults: { marina: 'info', torchserve: 'debug' },
    description: 'Quietest records that are written, of the server and of handlers.',
    perModel: { yaml: 'logLevel' },
  }),
  logFormat: row<'auto' | 'pretty' | 'json'>({
    key: 'log_format',
    flag: 'log-format',
    kind: oneOf('auto', 'pretty', 'json'),
    defaults: both<'auto' | 'pretty' | 'json'>('auto'),
    description:
      'How records look: JSON, or text for people, which under torchserve is that of TorchServe. auto is text under torchserve ' +
      'and on a terminal, and JSON elsewhere.',
  }),
  accessLog: row({
    key: 'access_log',
    flag: 'access-log',
    kind: boolean,
    defaults: { marina: false, torchserve: true },
    description: 'Log each answer: client, request, status, milliseconds.',
  }),
}
