/** Which GPU a worker gets: they are handed round, and a worker keeps its own through restarts (contract scheduling §7, §14). */
import { readdirSync } from 'node:fs'
import type { ModelDevices } from '../../config/model-devices.js'

/** Where a worker runs. */
export interface Placement {
  /** What the handler is told: `cpu`, or `cuda:0` and upwards. */
  readonly device: string
  /** GPUs that the worker occupies, as the server numbers them. */
  readonly gpus: readonly number[]
  /** Value of CUDA_VISIBLE_DEVICES for a worker that has several; absent: that of the server. */
  readonly visible?: string
}

const ON_CPU: Placement = { device: 'cpu', gpus: [] }

/** Lists a folder; empty where it is not there. */
export type ListFolder = (path: string) => readonly string[]

/**
 * The GPUs that this process may use, as CUDA names them: what CUDA_VISIBLE_DEVICES lists, else all that the driver shows
 * (Linux, NVIDIA). CUDA itself is not asked: it would take memory on each of them.
 */
export function visibleGpus(
  environment: NodeJS.ProcessEnv,
  list: ListFolder = listIfThere,
): readonly string[] {
  const listed = environment['CUDA_VISIBLE_DEVICES']
  if (listed !== undefined) {
    const names = listed.split(',').map((name) => name.trim())
    // The first one that is none hides all after it (CUDA C++ Programming Guide, "CUDA Environment Variables").
    const end = names.findIndex((name) => name === '' || name.startsWith('-'))
    return end < 0 ? names : names.slice(0, end)
  }
  const known = list('/proc/driver/nvidia/gpus').length || list('/dev').filter(isGpu).length
  return Array.from({ length: known }, (_, at) => String(at))
}

const isGpu = (name: string): boolean => /^nvidia\d+$/.test(name)

function listIfThere(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The rules of one version: its file, and what the file leaves to the server. */
export interface DeviceRules extends ModelDevices {
  /** A handler that says nothing gets a GPU. */
  readonly gpuByDefault: boolean
}

/** The GPUs of a server. */
export class Devices {
  readonly #names: readonly string[]
  #next = 0
  /** Versions with GPUs of their own are counted each for itself. */
  readonly #nextOf = new WeakMap<DeviceRules, number>()

  /** At most `limit` of these are used; undefined: all. */
  constructor(names: readonly string[], limit?: number) {
    this.#names = names.slice(0, limit)
  }

  get count(): number {
    return this.#names.length
  }

  /** The GPUs among which workers of a version are shared out; none: they run on the processor. An unknown id voids the list. */
  gpusOf({ type, ids, gpuByDefault }: DeviceRules): readonly number[] {
    if (type === 'cpu' || (type === undefined && !gpuByDefault)) return []
    const all = this.#names.map((_, at) => at)
    return this.count > 0 && ids?.every((id) => id < this.count) ? ids : all
  }

  /** How many workers there may be: those that need several GPUs each are bounded by them. */
  mostWorkers(rules: DeviceRules): number {
    const gpus = this.gpusOf(rules)
    if (gpus.length === 0 || rules.parallelLevel === 0) return Infinity
    return Math.floor(gpus.length / rules.parallelLevel)
  }

  /** The place of the next worker. */
  place(rules: DeviceRules): Placement {
    const gpus = this.gpusOf(rules)
    if (gpus.length === 0) return ON_CPU
    if (rules.parallelLevel > 0) return this.#group(gpus, rules)
    const gpu = rules.ids === undefined ? gpus[this.#next++ % gpus.length] : this.#own(gpus, rules)
    return gpu === undefined ? ON_CPU : { device: `cuda:${gpu}`, gpus: [gpu] }
  }

  #own(gpus: readonly number[], rules: DeviceRules): number | undefined {
    return gpus[this.#count(rules) % gpus.length]
  }

  /** Neighbours in the list; the worker sees these alone, and the first of them is its number 0. */
  #group(all: readonly number[], rules: DeviceRules): Placement {
    const { parallelLevel } = rules
    const groups = Math.max(1, Math.floor(all.length / parallelLevel))
    const from = (this.#count(rules) % groups) * parallelLevel
    const gpus = all.slice(from, from + parallelLevel)
    return { device: 'cuda:0', gpus, visible: gpus.map((gpu) => this.#names[gpu] ?? '').join(',') }
  }

  #count(rules: DeviceRules): number {
    const count = this.#nextOf.get(rules) ?? 0
    this.#nextOf.set(rules, count + 1)
    return count
  }
}
