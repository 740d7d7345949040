/** A log file that begins anew at a size or with a day; the old one is compressed beside it. */
import {
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { messageOf } from '../errors.js'
import { dateText, type DateText } from './date-text.js'
import { DescriptorSink, type LineSink } from './line-sink.js'
import type { RollPlan } from './plan.js'

/** What a file is opened with. */
export interface RollingFileOptions {
  readonly path: string
  readonly roll: RollPlan | undefined
  /** Told of what goes wrong later; the text completes `<path>: …`. */
  readonly onError: (message: string) => void
  /** Milliseconds since 1970; default: now. */
  readonly now?: () => number
}

/** A file that is appended to. Throws what opening it throws. */
export class RollingFile implements LineSink {
  readonly #options: RollingFileOptions
  readonly #now: () => number
  readonly #period: DateText
  #sink: DescriptorSink
  #bytes: number
  #begun: string
  #rolls = 0
  /** Old files on their way into archives; one after the other. */
  #rolling: Promise<void> = Promise.resolve()

  constructor(options: RollingFileOptions) {
    const { path, roll, now = Date.now } = options
    this.#options = options
    this.#now = now
    this.#period = periodOf(roll)
    mkdirSync(dirname(path), { recursive: true })
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: now() }
    this.#begun = this.#period(mtimeMs)
    const opened = this.#open()
    this.#sink = opened.sink
    this.#bytes = opened.bytes
  }

  write(line: string): void {
    if (this.#mustRoll()) this.#roll()
    this.#bytes += line.length
    this.#sink.write(line)
  }

  flush(): void {
    this.#sink.flush()
  }

  flushSync(): void {
    this.#sink.flushSync()
  }

  async close(): Promise<void> {
    await this.#sink.close()
    await this.#rolling
  }

  #open(): { sink: DescriptorSink; bytes: number } {
    const fd = openSync(this.#options.path, 'a')
    return { sink: new DescriptorSink(fd, this.#options.onError), bytes: fstatSync(fd).size }
  }

  #mustRoll(): boolean {
    const { roll } = this.#options
    if (!roll || this.#bytes === 0) return false
    if (roll.maxBytes !== undefined && this.#bytes >= roll.maxBytes) return true
    return roll.byTime && this.#period(this.#now()) !== this.#begun
  }

  /** The old file is renamed at once and written to its end; new lines go to a new one. */
  #roll(): void {
    const { path, roll, onError } = this.#options
    if (!roll) return
    const old = this.#sink
    const aside = `${path}.${this.#now()}-${++this.#rolls}.rolled`
    try {
      renameSync(path, aside)
      const opened = this.#open()
      this.#sink = opened.sink
    } catch (error) {
      onError(`it cannot be rolled: ${messageOf(error)}`)
      // Not again with each line.
      this.#bytes = 0
      this.#begun = this.#period(this.#now())
      return
    }
    const target = roll.pattern.replace(DATE, this.#begun)
    this.#bytes = 0
    this.#begun = this.#period(this.#now())
    this.#rolling = this.#rolling
      .then(() => old.close())
      .then(() => archive(aside, target))
      .then(() => keepNewest(roll))
      .catch((error: unknown) => onError(`the old one stays as ${aside}: ${messageOf(error)}`))
  }
}

const DATE = /%d\{([^}]*)\}/

/** What names a file's period; the pattern was checked when it was read. */
function periodOf(roll: RollPlan | undefined): DateText {
  const format = DATE.exec(roll?.pattern ?? '')?.[1]
  const text = format === undefined ? undefined : dateText(format)
  if (!text) return () => ''
  let minute = NaN
  let kept = ''
  return (epochMs) => {
    // No period is shorter, and this is asked for each line.
    const now = Math.floor(epochMs / 60_000)
    if (now !== minute) kept = text(epochMs)
    minute = now
    return kept
  }
}

/** Moves an old file to its place, compressed where its name says so. A name that is there gets a number. */
async function archive(from: string, wanted: string): Promise<void> {
  const to = await freeName(wanted)
  if (!to.endsWith('.gz')) return rename(from, to)
  await pipeline(createReadStream(from), createGzip(), createWriteStream(`${to}.part`))
  await rename(`${to}.part`, to)
  await rm(from)
}

async function freeName(wanted: string): Promise<string> {
  const [, stem = wanted, ending = ''] = /^(.*?)((?:\.log)?(?:\.gz)?)$/.exec(wanted) ?? []
  for (let number = 0; ; number++) {
    const name = wanted.includes('%i')
      ? wanted.replace('%i', String(number + 1))
      : number === 0
        ? wanted
        : `${stem}.${number}${ending}`
    if (!(await exists(name))) return name
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Removes all but the newest of the files that have been rolled. */
async function keepNewest({ pattern, keep }: RollPlan): Promise<void> {
  const folder = dirname(pattern)
  const parts = basename(pattern).split(/%d\{[^}]*\}|%i/)
  const [before = '', after = ''] = [parts[0], parts.at(-1)]
  const isRolled = (name: string) =>
    name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length
  const paths = (await readdir(folder)).filter(isRolled).map((name) => join(folder, name))
  const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })))
  const old = dated.sort((a, b) => b.at - a.at).slice(keep)
  await Promise.all(old.map(({ path }) => rm(path, { force: true })))
}
