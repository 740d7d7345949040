/**
 * How many threads the native code of one worker may use. ONNX Runtime and OpenBLAS take every core they see; several
 * workers that do so slow each other down, and in a container they see cores that the cgroup does not grant.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** How cores are shared out: workers that may run at once, and the threads of each. */
export interface ThreadPlan {
  readonly cores: number
  readonly workers: number
  readonly threadsPerWorker: number
}

/** Threads for one worker, so that workers that may run at once stay within `cores`; at least one each. */
export function planThreads(cores: number, workersAtOnce: number): number {
  return Math.max(1, Math.floor(cores / Math.max(1, workersAtOnce)))
}

/**
 * Threads for one Python worker: as planned, but one core stays for the server. OpenMP's and OpenBLAS's threads wait for each
 * other in a loop; while the server holds the core of one, the others burn theirs (the tutorial's model on two cores beside
 * other work: one thread 500 images a second, two threads 15).
 */
export function planPythonThreads(cores: number, workersAtOnce: number): number {
  return Math.min(planThreads(cores, workersAtOnce), Math.max(1, cores - 1))
}

/** Reads one small file as text; undefined where it is not there. */
export type ReadText = (path: string) => string | undefined

/**
 * Cores that this process may use: those of its affinity mask, bounded by the CPU quota of its cgroup (version 2:
 * `cpu.max`, version 1: `cpu.cfs_quota_us`), also of the groups above it. A part of a core counts as one.
 */
export function grantedCores(visible = availableParallelism(), read: ReadText = readIfThere): number {
  const quotas = [...quotasV2(read), ...quotasV1(read)]
  return Math.max(1, Math.min(visible, ...quotas.map((cores) => Math.ceil(cores))))
}

/** `cpu.max` holds `<quota> <period>` in microseconds, or `max <period>`. Source: Linux, cgroup-v2.rst, "CPU Interface Files". */
function quotasV2(read: ReadText): number[] {
  const own = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  return foldersUpTo(own).flatMap((folder) => {
    const [quota, period] = (read(`/sys/fs/cgroup${folder}cpu.max`) ?? '').trim().split(/\s+/)
    return ratio(quota, period)
  })
}

/** In version 1 a quota of -1 means none. Inside a container its own group is mounted as the root. */
function quotasV1(read: ReadText): number[] {
  const own = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  return foldersUpTo(own).flatMap((folder) => {
    const base = `/sys/fs/cgroup/cpu${folder}`
    return ratio(read(`${base}cpu.cfs_quota_us`), read(`${base}cpu.cfs_period_us`))
  })
}

/** `/a/b` gives `/`, `/a/` and `/a/b/`. */
function foldersUpTo(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '')
  return ['/', ...names.map((_, at) => `/${names.slice(0, at + 1).join('/')}/`)]
}

function ratio(quota: string | undefined, period: string | undefined): number[] {
  const cores = Number.parseInt(quota ?? '', 10) / Number.parseInt(period ?? '', 10)
  return Number.isFinite(cores) && cores > 0 ? [cores] : []
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
