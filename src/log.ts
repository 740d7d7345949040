/** How loud a record is; each level includes those to its right: debug, info, warn, error. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Facts that go with a record; values are printed as JSON. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where parts of Marina say what happens. Records of the request path are written at `debug` only. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to each record. The field `logger` names what speaks: `MODEL_LOG`, `ACCESS_LOG`… */
  child(fields: LogFields, options?: ChildOptions): Logger
}

/** What a child logger has of its own. */
export interface ChildOptions {
  /** Quietest records that it writes; absent: those of its parent. */
  readonly level?: LogLevel | undefined
}

/** A logger that drops everything: the default of library calls. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}

/** One record as {@link memoryLogger} keeps it. */
export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps its records in `records`, for tests. */
export function memoryLogger(records: LogRecord[], fields: LogFields = {}): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, more: LogFields = {}) => {
      records.push({ level, message, fields: { ...fields, ...more } })
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => memoryLogger(records, { ...fields, ...more }),
  }
}
