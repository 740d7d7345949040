/** What is logged where, in log4j's terms: appenders write, loggers choose by name and level which of them. */
import type { LogLevel } from '../log.js'

/** How loud a logger is; `off` writes nothing. */
export type Threshold = LogLevel | 'off'

/** How a record becomes text. */
export type LayoutPlan =
  /** log4j's pattern, with its line end. */
  { readonly kind: 'pattern'; readonly pattern: string } | { readonly kind: 'json' }

/** When a file is rolled, and what becomes of what was rolled. */
export interface RollPlan {
  /** Path with `%d{format}`: a new file begins when its text changes; with `.gz` at its end it is compressed. */
  readonly pattern: string
  readonly maxBytes: number | undefined
  readonly byTime: boolean
  /** Rolled files that are kept. */
  readonly keep: number
}

/** Something that writes. */
export type AppenderPlan =
  | { readonly kind: 'console'; readonly stream: 'stdout' | 'stderr'; readonly layout: LayoutPlan }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly layout: LayoutPlan
      readonly roll: RollPlan | undefined
    }

/** A logger by name; it also holds for names that begin with it and a dot. */
export interface LoggerPlan {
  readonly name: string
  /** Undefined: that of the logger above. */
  readonly level: Threshold | undefined
  readonly appenders: readonly string[]
  /** Its records go to the appenders of the logger above, too. */
  readonly additive: boolean
}

/** The whole of it. */
export interface LogPlan {
  readonly appenders: ReadonlyMap<string, AppenderPlan>
  readonly loggers: readonly LoggerPlan[]
  readonly root: { readonly level: Threshold; readonly appenders: readonly string[] }
}

/** Where the files of the default plan lie. */
export interface LogFolders {
  readonly logs: string
  readonly metrics: string
}

/** `LOG_LOCATION` and `METRICS_LOCATION`, which TorchServe always honours. */
export const logFolders = (environment: NodeJS.ProcessEnv): LogFolders => ({
  logs: environment['LOG_LOCATION'] || 'logs',
  metrics: environment['METRICS_LOCATION'] || 'logs',
})

/** Layout of the console, `ts_log.log` and `model_log.log`. */
export const FULL_PATTERN = '%d{ISO8601} [%-5p] %t %c - %m%n'
const SHORT_PATTERN = '%d{ISO8601} - %m%n'

const MAX_BYTES = 100 * 2 ** 20
const KEEP = 5

/** TorchServe's own plan (contract server-config §13.1). */
export function defaultPlan({ logs, metrics }: LogFolders): LogPlan {
  const file = (folder: string, name: string, pattern: string): [string, AppenderPlan] => [
    name,
    {
      kind: 'file',
      path: `${folder}/${name}.log`,
      layout: { kind: 'pattern', pattern },
      roll: {
        pattern: `${folder}/${name}.%d{dd-MMM}.log.gz`,
        maxBytes: MAX_BYTES,
        byTime: true,
        keep: KEEP,
      },
    },
  ]
  const logger = (name: string, level: Threshold, ...appenders: string[]): LoggerPlan => ({
    name,
    level,
    appenders,
    additive: true,
  })
  return {
    appenders: new Map([
      ['STDOUT', { kind: 'console', stream: 'stdout', layout: { kind: 'pattern', pattern: FULL_PATTERN } }],
      file(logs, 'ts_log', FULL_PATTERN),
      file(logs, 'access_log', SHORT_PATTERN),
      file(logs, 'model_log', FULL_PATTERN),
      file(metrics, 'ts_metrics', SHORT_PATTERN),
      file(metrics, 'model_metrics', SHORT_PATTERN),
    ]),
    loggers: [
      logger('org.pytorch.serve', 'debug', 'ts_log'),
      logger('ACCESS_LOG', 'info', 'access_log'),
      logger('MODEL_LOG', 'debug', 'model_log'),
      logger('TS_METRICS', 'debug', 'ts_metrics'),
      logger('MODEL_METRICS', 'debug', 'model_metrics'),
    ],
    root: { level: 'info', appenders: ['STDOUT', 'ts_log'] },
  }
}

/** Every appender writes JSON. */
export function inJson(plan: LogPlan): LogPlan {
  const layout = { kind: 'json' } as const
  return {
    ...plan,
    appenders: new Map([...plan.appenders].map(([name, appender]) => [name, { ...appender, layout }])),
  }
}
