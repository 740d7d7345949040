/** What describe says of GPUs. */
import { expect, test } from 'vitest'
import { manualClock } from '../../clock.js'
import type { GpuReading } from '../../metrics/gpus.js'
import { GpuUsage } from './gpu-usage.js'

const reading = (index: number, more: Partial<GpuReading> = {}): GpuReading => ({
  index,
  busy: 5,
  memoryBusy: 1,
  memoryUsedMiB: 678,
  memoryTotalMiB: 40_960,
  ...more,
})

function usage(answers: readonly (readonly GpuReading[] | Error)[]) {
  const clock = manualClock()
  let asked = 0
  const made = new GpuUsage(clock, () => {
    const answer = answers[asked++] ?? new Error('asked too often')
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { usage: made, clock, asked: () => asked, settle }
}

test('is in the words of the original, and asked for once in two seconds for all workers', async () => {
  const first = [reading(0), reading(1, { busy: 97, memoryBusy: 40.5, memoryUsedMiB: 40_123 })]
  const gpus = usage([first, [reading(0, { memoryUsedMiB: 700 })]])
  expect(gpus.usage.of([0])).toBe('N/A')
  await gpus.settle()
  expect(gpus.usage.of([0])).toBe(
    'gpuId::0 utilization.gpu::5.0 % utilization.memory::1.0 % memory.used::678 MiB',
  )
  expect(gpus.usage.of([0, 1])).toContain('gpuId::1 utilization.gpu::97.0 % utilization.memory::40.5 %')
  expect(gpus.asked()).toBe(1)
  gpus.clock.advance(2000)
  gpus.usage.of([0])
  await gpus.settle()
  expect(gpus.usage.of([0])).toContain('memory.used::700 MiB')
  expect(gpus.asked()).toBe(2)
})

test.each([
  ['they cannot be read', new Error('ENOENT')],
  ['another GPU only is known', [reading(1)]],
])('is a failure, in the words of the original, where %s', async (_, answer) => {
  const { usage: gpus, settle } = usage([answer])
  gpus.refresh()
  await settle()
  expect(gpus.of([0])).toBe('failed to obtained gpu usage')
})
