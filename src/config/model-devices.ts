/** On which devices the workers of one model run: keys of its file (contract server-config §8, scheduling §14). */
import type { FileReader } from './worker-life.js'

/** How the processes of one worker share a model; all but `custom` are started by torchrun. */
export type ParallelType = 'pp' | 'tp' | 'pptp' | 'custom'

/** What a model's file says. */
export interface ModelDevices {
  /** Undefined: a GPU where there is one, for Python handlers. */
  readonly type: 'cpu' | 'gpu' | undefined
  /** GPUs that may be used; undefined: all. */
  readonly ids: readonly number[] | undefined
  readonly parallelType: ParallelType | undefined
  /** GPUs of one worker; 0: one worker, one GPU. Means nothing without a type. */
  readonly parallelLevel: number
}

const TYPES = ['cpu', 'gpu'] as const
const PARALLEL_TYPES = ['pp', 'tp', 'pptp', 'custom'] as const

/** Reads the keys; `nproc-per-node` of `torchrun` is the parallel level where that is not given. */
export function modelDevicesOf(read: FileReader): ModelDevices {
  const parallelType = wordOf(read, 'parallelType', PARALLEL_TYPES)
  const level = read.positive('parallelLevel') ?? perNode(read.value('torchrun')) ?? 0
  return {
    type: wordOf(read, 'deviceType', TYPES),
    ids: idsOf(read),
    parallelType,
    parallelLevel: parallelType ? level : 0,
  }
}

/** Upper case counts as lower case; blanks around a word do not go, as they do in a setting. */
function wordOf<T extends string>(read: FileReader, key: string, words: readonly T[]): T | undefined {
  const value = read.value(key)
  const word = words.find((one) => typeof value === 'string' && one === value.toLowerCase())
  if (value !== undefined && word === undefined) read.refuse(key, `one of ${words.join(', ')}`)
  return word
}

function idsOf(read: FileReader): readonly number[] | undefined {
  const value = read.value('deviceIds')
  if (value === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : [undefined]
  const ids = list.filter((id): id is number => Number.isSafeInteger(id) && Number(id) >= 0)
  if (ids.length === list.length && ids.length > 0) return ids
  read.refuse('deviceIds', 'a list of the numbers of GPUs')
  return undefined
}

function perNode(torchrun: unknown): number | undefined {
  if (typeof torchrun !== 'object' || torchrun === null) return undefined
  const value: unknown = Reflect.get(torchrun, 'nproc-per-node')
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}
