/** What `nvidia-smi` says of the GPUs, for describe: asked in the background, at most once in two seconds for all of them. */
import { execFile } from 'node:child_process'
import type { Clock } from '../../clock.js'

/** Runs a command; resolves with what it printed. */
export type RunCommand = (command: string, args: readonly string[]) => Promise<string>

const FRESH_MS = 2_000
const PATIENCE_MS = 5_000
const QUERY = [
  '--query-gpu=index,utilization.gpu,utilization.memory,memory.used',
  '--format=csv,noheader,nounits',
]
/** TorchServe's words, mistake included. */
const FAILED = 'failed to obtained gpu usage'

/** The usage of GPUs as it was a moment ago. */
export class GpuUsage {
  readonly #clock: Clock
  readonly #run: RunCommand
  #askedMs = -Infinity
  #texts: ReadonlyMap<number, string> | undefined

  constructor(clock: Clock, run: RunCommand = runCommand) {
    this.#clock = clock
    this.#run = run
  }

  /** Never waits: the text of the last answer, which is asked for anew when it is older than two seconds. */
  of(gpus: readonly number[]): string {
    this.refresh()
    if (!this.#texts) return 'N/A'
    return gpus.map((gpu) => this.#texts?.get(gpu) ?? FAILED).join(' ')
  }

  /** Asks, unless that has just been done. */
  refresh(): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#askedMs < FRESH_MS) return
    this.#askedMs = nowMs
    this.#run('nvidia-smi', QUERY).then(
      (text) => {
        this.#texts = usagesOf(text)
      },
      () => {
        this.#texts = new Map()
      },
    )
  }
}

/** A text for each GPU by its index, from lines such as `0, 5, 1, 678`; a line that says otherwise is left out. */
function usagesOf(csv: string): ReadonlyMap<number, string> {
  const texts = new Map<number, string>()
  for (const line of csv.split('\n')) {
    const match = /^\s*(\d+), (\d+(?:\.\d+)?), (\d+(?:\.\d+)?), (\d+)\s*$/.exec(line)
    if (!match) continue
    const [, id = '', busy, memory, used = ''] = match
    const text = `gpuId::${id} utilization.gpu::${percent(busy)} utilization.memory::${percent(memory)} memory.used::${used} MiB`
    texts.set(Number(id), text)
  }
  return texts
}

/** As Java prints a float: `5.0 %`. */
const percent = (number = ''): string => `${number.includes('.') ? number : `${number}.0`} %`

const runCommand: RunCommand = (command, args) =>
  new Promise((resolve, reject) => {
    execFile(command, args, { timeout: PATIENCE_MS }, (error, stdout) => {
      if (error) reject(new Error(error.message))
      else resolve(stdout)
    })
  })
