/** A server's logs: opened at its start, written out at its end, whichever end that is. */
import type { Logger, LogLevel } from '../log.js'
import type { LogPlan } from './plan.js'
import { plannedLogger } from './planned-logger.js'
import { openRouter } from './router.js'

/** Logs that are open. */
export interface OpenLogs {
  readonly log: Logger
  /** A line of its own on stdout, after the records that were written before it. */
  print(line: string): void
  /** Resolves when all records are written. */
  close(): Promise<void>
}

/** Opens them. What cannot be written is said once on stderr, and the server goes on. */
export function openLogs(plan: LogPlan, level: LogLevel): OpenLogs {
  const router = openRouter(plan, (message) => process.stderr.write(`${message}\n`))
  const log = plannedLogger({ router, level })
  const onExit = () => router.flushSync()
  // A crash runs this too; only a process that is killed loses what has not been written.
  process.on('exit', onExit)
  const onCrash = (error: Error) => log.error(`The server crashed: ${error.stack ?? error.message}`)
  process.on('uncaughtExceptionMonitor', onCrash)
  return {
    log,
    print: (line) => router.print(line),
    async close() {
      await router.close()
      process.off('exit', onExit)
      process.off('uncaughtExceptionMonitor', onCrash)
    },
  }
}
