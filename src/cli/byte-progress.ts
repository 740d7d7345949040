/** Shows on stderr how far a command that moves many bytes is: a bar on a terminal, a line now and then elsewhere. */
import type { Progress } from '../archive/index.js'
import { bytesText } from './units.js'

/** Work that is done before a person wonders needs no bar. */
const QUIET_MS = 500
/** Between two lines where there is no terminal. */
const LINE_MS = 5000

/** A view of one piece of work. */
export interface ByteProgress {
  readonly show: (progress: Progress) => void
  /** Clears the bar. */
  end(): void
}

/** `label` is what is being done: `packing`, `hashing`. */
export function byteProgress(label: string, stream: NodeJS.WriteStream = process.stderr): ByteProgress {
  return stream.isTTY ? bar(label, stream) : lines(label, stream)
}

function bar(label: string, stream: NodeJS.WriteStream): ByteProgress {
  const startedMs = performance.now()
  let shown: { update: (progress: Progress) => void; stop: () => void } | undefined
  let loading: Promise<void> | undefined
  let ended = false
  const load = async (total: number) => {
    const { SingleBar } = await import('cli-progress')
    if (ended) return
    const format = `${label} {bar} {percentage} %  {eta_formatted} left  {text}`
    const single = new SingleBar({ format, stream, barsize: 24, clearOnComplete: true, hideCursor: true })
    single.start(total, 0, { text: '' })
    shown = {
      update: ({ done, total, member }) =>
        single.update(done, { text: `${bytesText(done)} of ${bytesText(total)}  ${member}` }),
      stop: () => single.stop(),
    }
  }
  return {
    show(progress) {
      if (performance.now() - startedMs < QUIET_MS) return
      loading ??= load(progress.total)
      shown?.update(progress)
    },
    end() {
      ended = true
      shown?.stop()
    },
  }
}

function lines(label: string, stream: NodeJS.WriteStream): ByteProgress {
  let nextMs = performance.now() + LINE_MS
  return {
    show({ done, total, member }) {
      if (performance.now() < nextMs) return
      nextMs += LINE_MS
      const percent = Math.floor((100 * done) / Math.max(1, total))
      stream.write(`${label} ${percent} %  ${bytesText(done)} of ${bytesText(total)}  ${member}\n`)
    },
    end: () => undefined,
  }
}
