/**
 * What of a log4j2.xml can be honoured: console and file appenders with their paths, patterns and policies, loggers with
 * their levels and references. The rest is named, with its line, and left out.
 */
import { compileLayout } from './layout.js'
import { dateText } from './date-text.js'
import {
  FULL_PATTERN,
  type AppenderPlan,
  type LayoutPlan,
  type LoggerPlan,
  type LogPlan,
  type RollPlan,
  type Threshold,
} from './plan.js'
import { parseXml, type XmlElement } from './xml.js'

/** A plan, and what of the file it does not hold: a sentence each. */
export interface ReadLog4j {
  readonly plan: LogPlan
  readonly warnings: readonly string[]
}

/** Where lookups of a file find their values. */
export interface Log4jSource {
  readonly path: string
  readonly environment: NodeJS.ProcessEnv
}

/** Reads the text of a file. @throws MarinaError `misuse` for what is not XML, with line and column */
export function readLog4j(text: string, source: Log4jSource): ReadLog4j {
  const root = parseXml(text, source.path)
  const reader = new Reader(source, root)
  return { plan: reader.read(), warnings: reader.warnings }
}

const LEVELS: Readonly<Record<string, Threshold>> = {
  all: 'debug',
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  off: 'off',
}

const FILES = ['File', 'RandomAccessFile', 'RollingFile', 'RollingRandomAccessFile'] as const

const is = ({ name }: XmlElement, ...names: readonly string[]): boolean =>
  names.some((known) => known.toLowerCase() === name.toLowerCase())

class Reader {
  readonly warnings: string[] = []
  readonly #source: Log4jSource
  readonly #root: XmlElement
  readonly #properties: ReadonlyMap<string, string>

  constructor(source: Log4jSource, root: XmlElement) {
    this.#source = source
    this.#root = root
    const properties = root.children
      .filter((child) => is(child, 'Properties'))
      .flatMap(({ children }) => children)
    this.#properties = new Map(
      properties.map((property) => [
        attribute(property, 'name') ?? '',
        attribute(property, 'value') ?? property.text,
      ]),
    )
  }

  read(): LogPlan {
    const appenders = new Map<string, AppenderPlan>()
    const asynchronous = new Map<string, readonly string[]>()
    for (const child of this.#root.children)
      if (!is(child, 'Properties', 'Appenders', 'Loggers')) this.#warn(child, 'is not read')
    for (const element of this.#childrenOf('Appenders')) {
      const name = attribute(element, 'name') ?? ''
      const appender = this.#appender(element)
      if (appender) appenders.set(name, appender)
      else if (is(element, 'Async')) asynchronous.set(name, this.#references(element))
      else if (!is(element, ...FILES))
        this.#warn(element, 'is no appender that is known here; nothing is written to it')
    }
    // All appenders write without waiting; what stands behind an asynchronous one counts.
    const behind = (names: readonly string[]) => names.flatMap((name) => asynchronous.get(name) ?? [name])
    const loggers = this.#childrenOf('Loggers')
    const root = loggers.find((logger) => is(logger, 'Root', 'AsyncRoot'))
    return {
      appenders,
      loggers: loggers
        .filter((logger) => this.#isLogger(logger))
        .map((logger): LoggerPlan => ({
          name: attribute(logger, 'name') ?? '',
          level: this.#level(logger),
          appenders: behind(this.#references(logger)),
          additive: attribute(logger, 'additivity')?.toLowerCase() !== 'false',
        })),
      // log4j's own default.
      root: {
        level: (root && this.#level(root)) ?? 'error',
        appenders: root ? behind(this.#references(root)) : [],
      },
    }
  }

  #childrenOf(name: string): readonly XmlElement[] {
    return this.#root.children.filter((child) => is(child, name)).flatMap(({ children }) => children)
  }

  #isLogger(element: XmlElement): boolean {
    if (is(element, 'Logger', 'AsyncLogger')) return true
    if (!is(element, 'Root', 'AsyncRoot')) this.#warn(element, 'is no logger')
    return false
  }

  #appender(element: XmlElement): AppenderPlan | undefined {
    if (is(element, 'Console')) {
      const layout = this.#layout(element)
      return {
        kind: 'console',
        stream: /err/i.test(attribute(element, 'target') ?? '') ? 'stderr' : 'stdout',
        layout,
      }
    }
    if (!is(element, ...FILES)) return undefined
    const path = this.#expanded(element, 'fileName')
    if (path === undefined || path === '') {
      this.#warn(element, 'has no fileName')
      return undefined
    }
    return { kind: 'file', path, layout: this.#layout(element), roll: this.#roll(element) }
  }

  #layout(element: XmlElement): LayoutPlan {
    let layout: LayoutPlan | undefined
    for (const child of element.children) {
      if (is(child, 'PatternLayout')) {
        const pattern = this.#expanded(child, 'pattern') ?? this.#patternElement(child) ?? '%m%n'
        for (const unknown of compileLayout({ kind: 'pattern', pattern }).unknown)
          this.#warn(child, `asks for ${unknown}, which is left out of the lines`)
        layout = { kind: 'pattern', pattern }
      } else if (is(child, 'JsonLayout', 'JsonTemplateLayout', 'JSONPatternLayout')) layout = { kind: 'json' }
      else if (
        !is(
          child,
          'Policies',
          'DefaultRolloverStrategy',
          'SizeBasedTriggeringPolicy',
          'TimeBasedTriggeringPolicy',
        )
      )
        this.#warn(child, 'is not read')
    }
    return layout ?? { kind: 'pattern', pattern: FULL_PATTERN }
  }

  #patternElement({ children }: XmlElement): string | undefined {
    const element = children.find((child) => is(child, 'Pattern'))
    return element && this.#expand(element, element.text.trim())
  }

  #roll(element: XmlElement): RollPlan | undefined {
    const pattern = this.#expanded(element, 'filePattern')
    if (pattern === undefined) return undefined
    const format = /%d\{([^}]*)\}/.exec(pattern)?.[1]
    if (format !== undefined && !dateText(format))
      this.#warn(
        element,
        `has the date format ${format} in its filePattern, which is not known here; it does not roll by time`,
      )
    const all = element.children.flatMap((child) => (is(child, 'Policies') ? child.children : [child]))
    const size = all.find((child) => is(child, 'SizeBasedTriggeringPolicy'))
    const strategy = all.find((child) => is(child, 'DefaultRolloverStrategy'))
    for (const child of element.children
      .filter((one) => is(one, 'Policies'))
      .flatMap(({ children }) => children))
      if (!is(child, 'SizeBasedTriggeringPolicy', 'TimeBasedTriggeringPolicy'))
        this.#warn(child, 'is not read')
    return {
      pattern,
      maxBytes: size && bytesOf(attribute(size, 'size') ?? '10 MB'),
      byTime: all.some((child) => is(child, 'TimeBasedTriggeringPolicy')),
      keep: Number((strategy && attribute(strategy, 'max')) ?? 7) || 7,
    }
  }

  #references(element: XmlElement): string[] {
    return element.children.flatMap((child) => {
      if (is(child, 'AppenderRef', 'appender-ref')) {
        if (attribute(child, 'level') !== undefined)
          this.#warn(child, 'has a level, which is not read; set that of its logger')
        return [attribute(child, 'ref') ?? '']
      }
      this.#warn(child, 'is not read')
      return []
    })
  }

  #level(element: XmlElement): Threshold | undefined {
    const text = this.#expanded(element, 'level')
    if (text === undefined) return undefined
    const level = LEVELS[text.trim().toLowerCase()]
    if (!level) this.#warn(element, `has the level ${JSON.stringify(text)}, which is none`)
    return level
  }

  #expanded(element: XmlElement, name: string): string | undefined {
    const text = attribute(element, name)
    return text === undefined ? undefined : this.#expand(element, text)
  }

  /** `${env:NAME:-default}` and properties of the file; no other lookup is ever made. */
  #expand(element: XmlElement, text: string, depth = 0): string {
    return text.replace(/\$\{([^${}]*)\}/g, (whole, inner: string) => {
      const [key = '', ...more] = inner.split(':-')
      const otherwise = more.length > 0 ? more.join(':-') : undefined
      const value = key.startsWith('env:')
        ? this.#source.environment[key.slice(4)]
        : this.#properties.get(key)
      if (value !== undefined && depth < 8) return this.#expand(element, value, depth + 1)
      if (otherwise !== undefined) return otherwise
      this.#warn(element, `has ${whole}, which is not known here`)
      return whole
    })
  }

  #warn({ name, line }: XmlElement, what: string): void {
    this.warnings.push(`${this.#source.path}:${line}: <${name}> ${what}.`)
  }
}

function attribute({ attributes }: XmlElement, name: string): string | undefined {
  const found = Object.keys(attributes).find((key) => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : attributes[found]
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** `100 MB`; undefined for what is none. */
function bytesOf(text: string): number | undefined {
  const match = /^\s*([\d.]+)\s*([kmg]?)b?\s*$/i.exec(text)
  const bytes = Number(match?.[1] ?? NaN) * (UNITS[match?.[2]?.toLowerCase() ?? ''] ?? NaN)
  return bytes > 0 ? bytes : undefined
}
