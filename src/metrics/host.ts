/** Measures the host: processors, memory, disk, GPUs (contract metrics §5.2). */
import { readFile, statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import { readGpus, type GpuReading } from './gpus.js'

/** One value, under a name of TorchServe's. `labels` are the values before the host's. */
export interface HostValue {
  readonly name: string
  readonly value: number
  readonly labels: readonly string[]
}

const MEGABYTE = 2 ** 20
const GIGABYTE = 2 ** 30

/** What a meter needs. */
export interface HostMeterOptions {
  /** GPUs are measured, too. */
  readonly hasGpus: boolean
  readonly gpus?: () => Promise<readonly GpuReading[]>
}

/** Makes a meter; the share of the processors is that since its last call, zero at first. */
export function createHostMeter({ hasGpus, gpus = readGpus }: HostMeterOptions): () => Promise<HostValue[]> {
  let before = processorTimes()
  return async () => {
    const now = processorTimes()
    const total = now.total - before.total
    const busy = total > 0 ? 100 * (1 - (now.idle - before.idle) / total) : 0
    before = now
    const values = { CPUUtilization: tenths(busy), ...(await memory()), ...(await disk()) }
    return [
      ...Object.entries(values).map(([name, value]) => ({ name, value, labels: ['Host'] })),
      // Without the driver's tool the rest is measured all the same; describe tells of it.
      ...(hasGpus ? (await gpus().catch(() => [])).flatMap(valuesOfGpu) : []),
    ]
  }
}

function processorTimes(): { idle: number; total: number } {
  let idle = 0
  let total = 0
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { idle, total }
}

async function memory() {
  const total = totalmem()
  // On Linux what may be had, not what is unused.
  const available = freemem()
  const used = (await usedOnLinux()) ?? total - available
  return {
    MemoryUsed: used / MEGABYTE,
    MemoryAvailable: available / MEGABYTE,
    MemoryUtilization: tenths((100 * (total - available)) / total),
  }
}

/** Without buffers and caches, as psutil counts it, and so TorchServe; undefined elsewhere. */
async function usedOnLinux(): Promise<number | undefined> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? NaN) * 1024
  const used = of('MemTotal') - of('MemFree') - of('Buffers') - of('Cached') - of('SReclaimable')
  return used >= 0 ? used : undefined
}

async function disk() {
  const { bsize, blocks, bfree, bavail } = await statfs('/')
  const used = (blocks - bfree) * bsize
  const available = bavail * bsize
  return {
    DiskUsage: used / GIGABYTE,
    DiskUtilization: tenths((100 * used) / (used + available)),
    DiskAvailable: available / GIGABYTE,
  }
}

function valuesOfGpu({ index, busy, memoryUsedMiB, memoryTotalMiB }: GpuReading): HostValue[] {
  const values = {
    GPUMemoryUtilization: tenths((100 * memoryUsedMiB) / memoryTotalMiB),
    GPUMemoryUsed: memoryUsedMiB,
    GPUUtilization: busy,
  }
  return Object.entries(values).map(([name, value]) => ({ name, value, labels: ['Host', String(index)] }))
}

const tenths = (value: number): number => Math.round(value * 10) / 10
