/** Records as lines: by log4j's patterns, or as JSON. */
import type { LogFields, LogLevel } from '../log.js'
import { dateText } from './date-text.js'
import type { LayoutPlan } from './plan.js'

/** One record on its way to appenders. */
export interface LogEvent {
  readonly epochMs: number
  readonly level: LogLevel
  /** The original's name of the thread: a worker's, or `main`. */
  readonly thread: string
  readonly logger: string
  readonly message: string
  readonly fields: LogFields
  /** The fields follow the message as JSON, where a layout writes text. */
  readonly withFacts: boolean
}

/** A record's line, its end included. */
export type Layout = (event: LogEvent) => string

/** A layout, and what of its pattern is not known here. */
export interface CompiledLayout {
  readonly layout: Layout
  readonly unknown: readonly string[]
}

/** Makes a layout. What a pattern asks for and nobody knows is left out of the lines. */
export function compileLayout(plan: LayoutPlan): CompiledLayout {
  return plan.kind === 'json' ? { layout: jsonLine, unknown: [] } : compilePattern(plan.pattern)
}

const jsonLine: Layout = ({ epochMs, level, logger, thread, message, fields }) => {
  const { logger: _, ...facts } = plainFields(fields)
  const time = new Date(epochMs).toISOString()
  return `${JSON.stringify({ level, time, logger, thread, ...facts, message })}\n`
}

const CONVERSION = /%(-?)(\d*)(?:\.(\d+))?([a-zA-Z]+)((?:\{[^}]*\})*)|%%/g

function compilePattern(pattern: string): CompiledLayout {
  const parts: Layout[] = []
  const unknown: string[] = []
  let end = 0
  for (const match of pattern.matchAll(CONVERSION)) {
    if (match.index > end) parts.push(constant(pattern.slice(end, match.index)))
    end = match.index + match[0].length
    const [text, left = '', width = '', most, word = '', options = ''] = match
    if (text === '%%') {
      parts.push(constant('%'))
      continue
    }
    const { layout, rest } = conversionOf(word, options)
    if (!layout) unknown.push(text)
    else
      parts.push(padded(layout, { left: left !== '', width: Number(width), most: Number(most ?? Infinity) }))
    if (rest !== '') parts.push(constant(rest))
  }
  if (end < pattern.length) parts.push(constant(pattern.slice(end)))
  return {
    layout(event) {
      let line = ''
      for (const part of parts) line += part(event)
      return line
    },
    unknown,
  }
}

function constant(text: string): Layout {
  const written = text.replaceAll('\\n', '\n').replaceAll('\\t', '\t')
  return () => written
}

const conversions: Readonly<Record<string, (option: string) => Layout | undefined>> = {
  date: (format) => {
    const text = dateText(format)
    return text && (({ epochMs }) => text(epochMs))
  },
  level: () => (event) => event.level.toUpperCase(),
  thread: () => (event) => event.thread,
  logger: (option) => (event) => shortened(event.logger, option),
  message: () => messageText,
  n: () => () => '\n',
  X: (name) => (event) => (event.fields[name] === undefined ? '' : textOf(event.fields[name])),
  pid: () => () => String(process.pid),
  // There are no traces beside the message.
  ex: () => () => '',
}

const SYNONYMS: Readonly<Record<string, string>> = {
  ...{ d: 'date', p: 'level', t: 'thread', tn: 'thread', threadName: 'thread', c: 'logger' },
  ...{ m: 'message', msg: 'message', mdc: 'X', MDC: 'X', processId: 'pid' },
  ...{ throwable: 'ex', exception: 'ex', xEx: 'ex', xThrowable: 'ex', xException: 'ex' },
}

/** Letters may follow a conversion without a blank, as in `%mx`: the longest that is known counts. */
function conversionOf(word: string, options: string): { layout: Layout | undefined; rest: string } {
  const option = /\{([^}]*)\}/.exec(options)?.[1] ?? ''
  for (let length = word.length; length > 0; length--) {
    const name = word.slice(0, length)
    const make = conversions[SYNONYMS[name] ?? name]
    const whole = length === word.length
    if (make) return { layout: make(whole ? option : ''), rest: whole ? '' : word.slice(length) + options }
  }
  return { layout: undefined, rest: '' }
}

function padded(
  layout: Layout,
  { left, width, most }: { left: boolean; width: number; most: number },
): Layout {
  if (width === 0 && most === Infinity) return layout
  return (event) => {
    // What is too long loses its beginning, as in log4j.
    const text = layout(event).slice(-most)
    return left ? text.padEnd(width) : text.padStart(width)
  }
}

/** `%c{1}`: the last so many of the parts between dots. */
const shortened = (logger: string, option: string): string =>
  /^\d+$/.test(option) ? logger.split('.').slice(-Number(option)).join('.') : logger

const messageText: Layout = ({ message, fields, withFacts }) =>
  withFacts ? message + factsOf(fields) : message

function factsOf(fields: LogFields): string {
  const { logger: _, ...facts } = plainFields(fields)
  const text = JSON.stringify(facts)
  return text === '{}' ? '' : ` ${text}`
}

const plainFields = (fields: LogFields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  )

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
