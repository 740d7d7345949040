/** The usage of GPUs, for describe: asked for in the background, at most once in two seconds for all of them. */
import type { Clock } from '../../clock.js'
import { readGpus, type GpuReading } from '../../metrics/gpus.js'

const FRESH_MS = 2_000
/** TorchServe's words, mistake included. */
const FAILED = 'failed to obtained gpu usage'

/** The usage of GPUs as it was a moment ago. */
export class GpuUsage {
  readonly #clock: Clock
  readonly #read: () => Promise<readonly GpuReading[]>
  #askedMs = -Infinity
  #texts: ReadonlyMap<number, string> | undefined

  constructor(clock: Clock, read = () => readGpus()) {
    this.#clock = clock
    this.#read = read
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
    this.#read().then(
      (readings) => {
        this.#texts = new Map(readings.map((reading) => [reading.index, textOf(reading)]))
      },
      () => {
        this.#texts = new Map()
      },
    )
  }
}

const textOf = ({ index, busy, memoryBusy, memoryUsedMiB }: GpuReading): string =>
  `gpuId::${index} utilization.gpu::${percent(busy)} utilization.memory::${percent(memoryBusy)} ` +
  `memory.used::${memoryUsedMiB} MiB`

/** As Java prints a float: `5.0 %`. */
const percent = (value: number): string => `${Number.isInteger(value) ? `${value}.0` : value} %`
