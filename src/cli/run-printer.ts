/** Shows a run of a pipeline: one live line with a bar and the time left on a terminal, plain lines elsewhere. */
import { SingleBar } from 'cli-progress'
import type { Json, Observer, Params, Progress } from '../pipeline/index.js'
import { styleFor, type Style } from './terminal.js'

/** Where a run is shown: `process.stdout`, or a test's own stream. */
export type PrinterStream = NodeJS.WriteStream

/** Options of {@link createRunPrinter}. */
export interface PrinterOptions {
  /** Shows what steps say, too. Failures are always shown. Default true. */
  readonly logs?: boolean
}

/** Width that step names are padded to, at least. */
const NAME_WIDTH = 9
/** Where there is no terminal, a step says how far it is every so many percent. */
const PLAIN_PERCENT = 20

/** Reasons to run that need no words. */
const ORDINARY: ReadonlySet<string> = new Set(['', 'never ran', 'always runs'])

/** Makes an observer that prints. */
export function createRunPrinter(stream: PrinterStream, { logs = true }: PrinterOptions = {}): Observer {
  const style = styleFor(stream)
  const live = stream.isTTY ? new LiveLine(stream) : new PlainProgress(stream)
  let steps: readonly string[] = []
  const line = (text: string) => {
    live.clear()
    stream.write(`${text}\n`)
  }
  const label = (step: string) => {
    const width = Math.max(NAME_WIDTH, ...steps.map((name) => name.length))
    return `${`${steps.indexOf(step) + 1}/${steps.length}`.padStart(5)} ${step.padEnd(width)}`
  }
  /** Why the running step runs, where that is news. */
  let why = ''
  return (event) => {
    switch (event.kind) {
      case 'run-started':
        steps = event.steps
        return
      case 'step-skipped':
        line(`${label(event.step)} ${style.dim(`unchanged  ${figures(event.report, style)}`)}`)
        return
      case 'step-started':
        why = ORDINARY.has(event.why) ? '' : event.why
        live.start(label(event.step), why)
        return
      case 'step-progress':
        live.show(event.progress)
        return
      case 'step-log':
        if (logs) line(style.dim(`${' '.repeat(6)}${' '.repeat(NAME_WIDTH)} ${event.text}`))
        return
      case 'step-done':
        line(
          `${label(event.step)} ${style.green(seconds(event.seconds).padEnd(9))}  ${figures(event.report, style)}${why && style.dim(`  (${why})`)}`,
        )
        return
      case 'step-failed':
        line(`${label(event.step)} ${style.red('failed')}${event.log ? `  all it said: ${event.log}` : ''}`)
        return
      case 'run-finished':
        live.clear()
        return
      default:
        event satisfies never
    }
  }
}

/** `0.5 s`, or `1 min 5 s`. */
export function seconds(value: number): string {
  if (value < 59.95) return `${value.toFixed(1)} s`
  const whole = Math.round(value)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** A report in one line: `accuracy 0.993 · images 10000`. */
function figures(report: Params, style: Style): string {
  return Object.entries(report)
    .map(([name, value]) => `${style.dim(name)} ${shown(value)}`)
    .join(style.dim(' · '))
}

function shown(value: Json): string {
  if (typeof value === 'number')
    return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(4)))
  // A hash is told apart by its beginning.
  if (typeof value === 'string') return /^[0-9a-f]{40,}$/.test(value) ? value.slice(0, 12) : value
  return JSON.stringify(value)
}

interface ProgressView {
  start(label: string, why: string): void
  show(progress: Progress): void
  clear(): void
}

/** One line on a terminal that is written over again and again. */
class LiveLine implements ProgressView {
  readonly #stream: PrinterStream
  #bar: SingleBar | undefined
  #label = ''
  /** The first news of how far the step is: the time left follows from what came after it. */
  #first: { readonly atMs: number; readonly done: number } | undefined

  constructor(stream: PrinterStream) {
    this.#stream = stream
  }

  start(label: string, why: string): void {
    this.#label = label
    this.show({ done: 0, total: 1, text: why })
    this.#first = undefined
  }

  show({ done, total, text = '' }: Progress): void {
    const left = this.#timeLeft(done, total)
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: '{label} {bar} {percentage} %  {left}  {text}',
        stream: this.#stream,
        barsize: 24,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        clearOnComplete: true,
        hideCursor: true,
      })
      this.#bar.start(total, done, { label: this.#label, left, text })
      return
    }
    this.#bar.setTotal(total)
    this.#bar.update(done, { label: this.#label, left, text })
  }

  clear(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  /** The library's own estimate counts from 0, and so is wrong for a step that goes on from a checkpoint. */
  #timeLeft(done: number, total: number): string {
    const nowMs = performance.now()
    this.#first ??= { atMs: nowMs, done }
    const left = secondsLeft({ done, total }, { first: this.#first, nowMs })
    return left === undefined ? '' : `${seconds(left)} left`
  }
}

/** Seconds until `total`, at the speed since the `first` news; undefined where nothing follows from them yet, or no more. */
export function secondsLeft(
  { done, total }: Progress,
  { first, nowMs }: { first: { readonly atMs: number; readonly done: number }; nowMs: number },
): number | undefined {
  const perMs = (done - first.done) / (nowMs - first.atMs)
  return perMs > 0 && done < total ? (total - done) / perMs / 1000 : undefined
}

/** Where nobody watches: a line now and then. */
class PlainProgress implements ProgressView {
  readonly #stream: PrinterStream
  #label = ''
  #next = PLAIN_PERCENT

  constructor(stream: PrinterStream) {
    this.#stream = stream
  }

  start(label: string): void {
    this.#label = label
    this.#next = PLAIN_PERCENT
  }

  show({ done, total, text = '' }: Progress): void {
    const percent = Math.floor((100 * done) / Math.max(1, total))
    if (percent < this.#next || percent >= 100) return
    this.#next = percent - (percent % PLAIN_PERCENT) + PLAIN_PERCENT
    this.#stream.write(`${this.#label} ${String(percent).padStart(3)} %  ${text}\n`)
  }

  clear(): void {
    // Lines stay.
  }
}
