/** Log records on stderr: JSON by pino for machines, one readable line each for people. */
import { pino } from 'pino'
import type { LogFields, Logger, LogLevel } from '../log.js'
import { styleFor, type Style } from './terminal.js'

/** How records look; `auto` is `pretty` on a terminal and `json` elsewhere. */
export type LogFormat = 'auto' | 'pretty' | 'json'

/** Makes the logger of a command. */
export function createLogger({ level, format }: { level: LogLevel; format: LogFormat }): Logger {
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY)
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message', formatters },
    pretty ? { write: prettyWriter(styleFor(process.stderr)) } : pino.destination({ fd: 2, sync: true }),
  )
  return wrap(root)
}

const formatters = { level: (level: string) => ({ level }) }

function wrap(logger: pino.Logger): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      logger[level](fields, message)
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields, { level } = {}) => wrap(logger.child(fields, level === undefined ? {} : { level })),
  }
}

/** `12:34:56 warn  message  key=value`; several lines of a value, such as a stack, follow indented. */
function prettyWriter(style: Style): (line: string) => void {
  return (line) => {
    const { time, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>
    const clock = String(time).slice(11, 19)
    const name = String(level).padEnd(5)
    const shown = level === 'error' ? style.red(name) : level === 'warn' ? style.bold(name) : name
    const entries = Object.entries(fields).map(([key, value]) => ({ key, text: textOf(value) }))
    const short = entries.filter(({ text }) => !text.includes('\n'))
    const long = entries.filter(({ text }) => text.includes('\n'))
    const facts = short.map(({ key, text }) => `${key}=${text}`).join(' ')
    const blocks = long.map(({ key, text }) => `\n    ${key}:\n${text.replaceAll(/^/gm, '      ')}`).join('')
    process.stderr.write(
      `${style.dim(clock)} ${shown} ${String(message)}${facts && style.dim(`  ${facts}`)}${style.dim(blocks)}\n`,
    )
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Array.isArray(value) && value.every((entry) => typeof entry === 'string')
      ? value.join('\n')
      : JSON.stringify(value)
