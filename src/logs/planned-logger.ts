/** Log records by a plan: which logger of TorchServe's each belongs to, and which of its threads. */
import type { ChildOptions, LogFields, Logger, LogLevel } from '../log.js'
import type { LogEvent } from './layout.js'
import { passes, type Route, type Router } from './router.js'

/** What records are made with. */
export interface PlannedLoggerOptions {
  readonly router: Pick<Router, 'of'>
  /** Quietest records of the server and of handlers; a model may have its own. */
  readonly level: LogLevel
  /** Milliseconds since 1970; default: now. */
  readonly now?: () => number
}

/** Loggers whose lines are TorchServe's to the letter: nothing follows their message. */
const BARE: ReadonlySet<string> = new Set(['ACCESS_LOG', 'MODEL_LOG', 'TS_METRICS', 'MODEL_METRICS'])
/** Loggers whose loudness a setting or a model decides, beside the plan. */
const LEVELLED = /^(MODEL_LOG$|org\.pytorch\.serve\b)/
const SERVER = 'org.pytorch.serve.ModelServer'
const WORKER = 'org.pytorch.serve.wlm.WorkerThread'

/** Makes the logger. A field `logger` names the logger of a child; `model`, `version` and `worker` name its thread. */
export const plannedLogger = (options: PlannedLoggerOptions): Logger =>
  loggerOf({}, { ...options, threshold: options.level })

function loggerOf(fields: LogFields, options: PlannedLoggerOptions & { threshold: LogLevel }): Logger {
  const { router, threshold, now = Date.now } = options
  const name = nameOf(fields)
  const route = router.of(name)
  const make = maker({ name, fields })
  const at = (level: LogLevel) => {
    if (!isHeard(level, { name, route, threshold })) return () => undefined
    return (message: string, more?: LogFields) => {
      const event = make({ level, message, epochMs: now(), more })
      if (name === 'MODEL_LOG' && message.includes('\n')) emitLines(route, event)
      else route.emit(event)
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more, { level }: ChildOptions = {}) =>
      loggerOf({ ...fields, ...more }, { ...options, threshold: level ?? threshold }),
  }
}

const isHeard = (
  level: LogLevel,
  { name, route, threshold }: { name: string; route: Route; threshold: LogLevel },
): boolean => passes(level, route.threshold) && (!LEVELLED.test(name) || passes(level, threshold))

const nameOf = ({ logger, worker }: LogFields): string =>
  typeof logger === 'string' ? logger : worker === undefined ? SERVER : WORKER

interface Said {
  readonly level: LogLevel
  readonly message: string
  readonly epochMs: number
  readonly more: LogFields | undefined
}

function maker({ name, fields }: { name: string; fields: LogFields }): (said: Said) => LogEvent {
  const withFacts = !BARE.has(name)
  const thread = threadOf(fields)
  const ofHandler = name === 'MODEL_LOG'
  return ({ level, message, epochMs, more }) => ({
    epochMs,
    level,
    // The original reads what workers print by two threads of theirs.
    thread: ofHandler ? `${thread}-${level === 'info' || level === 'debug' ? 'stdout' : 'stderr'}` : thread,
    logger: name,
    message: ofHandler ? message : printable(message),
    fields: more === undefined ? fields : { ...fields, ...more },
    withFacts,
  })
}

function threadOf({ model, version, worker }: LogFields): string {
  if (worker === undefined) return 'main'
  // Between blanks, whatever a model is called.
  return `W-${[worker, '-', model, '_', version].map(wordOf).join('')}`.replace(/[\s\p{Cc}]/gu, '_')
}

const wordOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** Each line of a handler's is a line of its log. */
function emitLines(route: Route, event: LogEvent): void {
  for (const message of event.message.split('\n')) route.emit({ ...event, message })
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Names and targets come from clients: they move no cursor. */
const printable = (text: string): string =>
  text.search(CONTROL) < 0
    ? text
    : text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
