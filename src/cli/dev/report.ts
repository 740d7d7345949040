/** What `marina dev` says: for people, or as lines of JSON. */
import type { Config } from '../../config/config.js'
import { messageOf } from '../../errors.js'
import type { RunningServer } from '../../server.js'
import { readyJson, readyText } from '../serve-report.js'
import { styleFor } from '../terminal.js'

/** Where the news of a project go. */
export interface DevReport {
  /** The code that is there now answers; `file` is what had changed, '' for the first load. */
  loaded(file: string, tookMs: number): void
  /** It does not load; `serving`: the code before it goes on. */
  failed(file: string, failure: { error: unknown; serving: boolean }): void
  stopping(signal: string): void
}

interface ReportOptions {
  readonly server: RunningServer
  readonly config: Config
  /** When the command began, as `performance.now` says it. */
  readonly startedMs: number
  readonly json: boolean
}

/** Makes the report on stdout. */
export function devReport({ server, config, startedMs, json }: ReportOptions): DevReport {
  const style = styleFor(process.stdout)
  const say = (text: string) => void process.stdout.write(text)
  const event = (fields: object) => say(`${JSON.stringify(fields)}\n`)
  let isReady = false
  return {
    loaded(file, tookMs) {
      const ready = { server, config, seconds: (performance.now() - startedMs) / 1000 }
      const isFirst = !isReady
      isReady = true
      if (isFirst)
        say(json ? readyJson(ready) : `${readyText(ready)}\n${style.dim('Save a file to reload.')}\n`)
      else if (json) event({ event: 'reloaded', file, ms: Math.round(tookMs) })
      else
        say(`${time()} ${file}: ${style.green('the new code answers')} (${(tookMs / 1000).toFixed(2)} s)\n`)
    },
    failed(file, { error, serving }) {
      const message = messageOf(error)
      if (json) {
        event({ event: 'failed', file, message, serving })
        return
      }
      const rest = serving
        ? 'The code before it goes on serving.'
        : 'Nothing is served yet. Save a file to try again.'
      say(
        `${time()} ${file === '' ? '' : `${file}: `}${style.red('not loaded')}: ${message}\n${style.dim(rest)}\n`,
      )
    },
    stopping(signal) {
      const notice = `${signal}: answering what has arrived, then stopping. Once more stops at once.`
      if (!json) say(`\n${notice}\n`)
    },
  }
}

/** `12:34:56`, local time. */
const time = (): string => new Date().toTimeString().slice(0, 8)
