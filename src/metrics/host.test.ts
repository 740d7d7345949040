/** The built-in meter, on this machine: which values it gives, and that they are in the units of their names. */
import { totalmem } from 'node:os'
import { statfs } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { builtInDefinitions } from './definitions.js'
import { createHostMeter, type HostMeterOptions } from './host.js'

const NO_GPUS = { hasGpus: false }
const measured = async (options: HostMeterOptions = NO_GPUS) => {
  const values = await createHostMeter(options)()
  return { values, of: Object.fromEntries(values.map(({ name, value }) => [name, value])) }
}

const reading = (index: number, memoryUsedMiB: number) => ({
  ...{ index, busy: 30, memoryBusy: 1 },
  ...{ memoryUsedMiB, memoryTotalMiB: 1000 },
})

test('gives each metric of the host that is defined, in the order of its dimensions', async () => {
  const { values } = await measured({ hasGpus: true, gpus: () => Promise.resolve([reading(0, 500)]) })
  const dimensionsOf = (name: string) =>
    builtInDefinitions.frontend.find((definition) => definition.name === name)?.dimensions.slice(0, -1)
  expect(values.map(({ name }) => name).sort()).toEqual(
    builtInDefinitions.frontend
      .map(({ name }) => name)
      .filter((name) => /^(CPU|Memory|Disk|GPU)/.test(name))
      .sort(),
  )
  for (const { name, labels } of values) expect(labels).toHaveLength(dimensionsOf(name)?.length ?? -1)
})

test('gives memory in megabytes, the disk of the root in gigabytes, and shares in percent', async () => {
  const { of } = await measured()
  const megabytes = totalmem() / 2 ** 20
  expect(of['MemoryUsed']).toBeLessThan(megabytes)
  expect(of['MemoryUsed']).toBeGreaterThan(megabytes / 1000)
  expect(of['MemoryAvailable']).toBeLessThan(megabytes)
  const { bsize, blocks, bfree, bavail } = await statfs('/')
  const gigabytes = (bsize * (blocks - bfree + bavail)) / 2 ** 30
  // Others write to it meanwhile.
  expect(((of['DiskUsage'] ?? 0) + (of['DiskAvailable'] ?? 0)) / gigabytes).toBeCloseTo(1, 1)
  for (const share of ['CPUUtilization', 'MemoryUtilization', 'DiskUtilization']) {
    expect(of[share]).toBeGreaterThanOrEqual(0)
    expect(of[share]).toBeLessThanOrEqual(100)
  }
})

test('gives three values of each GPU, under its number', async () => {
  const gpus = () => Promise.resolve([reading(0, 500), reading(3, 1000)])
  const { values } = await measured({ hasGpus: true, gpus })
  expect(values.slice(-6).map(({ name, value, labels }) => `${name} ${labels.join()} ${value}`)).toEqual([
    'GPUMemoryUtilization Host,0 50',
    'GPUMemoryUsed Host,0 500',
    'GPUUtilization Host,0 30',
    'GPUMemoryUtilization Host,3 100',
    'GPUMemoryUsed Host,3 1000',
    'GPUUtilization Host,3 30',
  ])
})

test.each([
  ['there are none', { hasGpus: false, gpus: () => Promise.resolve([reading(0, 1)]) }],
  ['they cannot be read', { hasGpus: true, gpus: () => Promise.reject(new Error('ENOENT')) }],
])('gives the rest where %s', async (_, options) => {
  const { values } = await measured(options)
  expect(values.map(({ name }) => name)).not.toContain('GPUUtilization')
  expect(values).toHaveLength(7)
})
