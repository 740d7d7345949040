/** From a plan to open files, and from a logger's name to what writes its records. */
import { messageOf } from '../errors.js'
import type { LogLevel } from '../log.js'
import { compileLayout, type Layout, type LogEvent } from './layout.js'
import { DescriptorSink, type LineSink } from './line-sink.js'
import type { AppenderPlan, LogPlan, Threshold } from './plan.js'
import { RollingFile } from './rolling-file.js'

/** What takes the records of one logger. */
export interface Route {
  readonly threshold: Threshold
  emit(event: LogEvent): void
}

/** All that is open. */
export interface Router {
  /** The route of a logger by its name; always the same one for the same name. */
  of(logger: string): Route
  /** Writes a line to stdout at once, after what its appender holds. */
  print(line: string): void
  flushSync(): void
  /** Resolves when all records are written. */
  close(): Promise<void>
}

const ORDER: readonly Threshold[] = ['debug', 'info', 'warn', 'error', 'off']

/** True for a record that a threshold lets through. */
export const passes = (level: LogLevel, threshold: Threshold): boolean =>
  ORDER.indexOf(level) >= ORDER.indexOf(threshold)

/** One layout, and all that write its lines. */
interface Group {
  readonly layout: Layout
  readonly sinks: LineSink[]
}

/** Opens what a plan writes to. An appender that cannot be opened is told to `complain` and writes nothing. */
export function openRouter(plan: LogPlan, complain: (message: string) => void): Router {
  const layouts = new Map<string, Layout>()
  const open = new Map<string, { layout: Layout; sink: LineSink }>()
  for (const [name, appender] of plan.appenders) {
    try {
      const sink = openSink(appender, complain)
      const key = JSON.stringify(appender.layout)
      const layout = layouts.get(key) ?? compileLayout(appender.layout).layout
      layouts.set(key, layout)
      open.set(name, { layout, sink })
    } catch (error) {
      complain(`Nothing is logged by the appender ${name}: ${messageOf(error)}`)
    }
  }
  const routes = new Map<string, Route>()
  const sinks = [...open.values()].map(({ sink }) => sink)
  return {
    of(logger) {
      let route = routes.get(logger)
      if (!route) routes.set(logger, (route = routeOf(logger, { plan, open })))
      return route
    },
    print(line) {
      const console = [...plan.appenders].find(([, { kind }]) => kind === 'console')
      const sink = console && open.get(console[0])?.sink
      if (sink) {
        sink.write(`${line}\n`)
        sink.flush()
      } else process.stdout.write(`${line}\n`)
    },
    flushSync: () => sinks.forEach((sink) => sink.flushSync()),
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()))
    },
  }
}

function openSink(appender: AppenderPlan, complain: (message: string) => void): LineSink {
  if (appender.kind === 'console')
    // Nobody can be told on a console that a console cannot be written.
    return new DescriptorSink(appender.stream === 'stdout' ? 1 : 2, () => undefined)
  const { path, roll } = appender
  return new RollingFile({ path, roll, onError: (message) => complain(`${path}: ${message}`) })
}

function routeOf(
  logger: string,
  { plan, open }: { plan: LogPlan; open: ReadonlyMap<string, { layout: Layout; sink: LineSink }> },
): Route {
  const { threshold, appenders } = appendersOf(logger, plan)
  const groups: Group[] = []
  for (const name of appenders) {
    const found = open.get(name)
    if (!found) continue
    const group = groups.find(({ layout }) => layout === found.layout)
    if (group) group.sinks.push(found.sink)
    else groups.push({ layout: found.layout, sinks: [found.sink] })
  }
  return {
    threshold,
    emit(event) {
      for (const { layout, sinks } of groups) {
        const line = layout(event)
        for (const sink of sinks) sink.write(line)
      }
    },
  }
}

/** As log4j inherits: the nearest level, and the appenders of all loggers above until one is not additive. Each writes once. */
export function appendersOf(
  logger: string,
  { loggers, root }: LogPlan,
): { threshold: Threshold; appenders: ReadonlySet<string> } {
  const chain = loggers
    .filter(({ name }) => logger === name || logger.startsWith(`${name}.`))
    .sort((a, b) => b.name.length - a.name.length)
  const threshold = chain.find(({ level }) => level !== undefined)?.level ?? root.level
  const last = chain.findIndex(({ additive }) => !additive)
  const heard = last < 0 ? chain : chain.slice(0, last + 1)
  const appenders = [...heard.flatMap((entry) => entry.appenders), ...(last < 0 ? root.appenders : [])]
  return { threshold, appenders: new Set(appenders) }
}
