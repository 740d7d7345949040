/** What describe says of GPUs, from what nvidia-smi prints. */
import { expect, test } from 'vitest'
import { manualClock } from '../../clock.js'
import { GpuUsage } from './gpu-usage.js'

function usage(answers: readonly (string | Error)[]) {
  const clock = manualClock()
  const asked: string[] = []
  const made = new GpuUsage(clock, (command, args) => {
    const answer = answers[asked.length] ?? new Error('asked too often')
    asked.push(`${command} ${args.join(' ')}`)
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { usage: made, clock, asked, settle }
}

test('is in the words of the original, and asked for once in two seconds for all workers', async () => {
  const {
    usage: gpus,
    clock,
    asked,
    settle,
  } = usage(['0, 5, 1, 678\n1, 97, 40.5, 40123\n', '0, 6, 1, 700\n'])
  expect(gpus.of([0])).toBe('N/A')
  await settle()
  expect(gpus.of([0])).toBe('gpuId::0 utilization.gpu::5.0 % utilization.memory::1.0 % memory.used::678 MiB')
  expect(gpus.of([0, 1])).toContain('gpuId::1 utilization.gpu::97.0 % utilization.memory::40.5 %')
  expect(asked).toEqual([
    'nvidia-smi --query-gpu=index,utilization.gpu,utilization.memory,memory.used --format=csv,noheader,nounits',
  ])
  clock.advance(2000)
  gpus.of([0])
  await settle()
  expect(gpus.of([0])).toContain('memory.used::700 MiB')
  expect(asked).toHaveLength(2)
})

test.each([
  ['there is no such command', new Error('ENOENT')],
  ['it says something else', 'No devices were found\n'],
  ['it knows another GPU only', '1, 5, 1, 678\n'],
  ['a value is not known', '0, [N/A], 1, 678\n'],
])('is a failure, in the words of the original, where %s', async (_, answer) => {
  const { usage: gpus, settle } = usage([answer])
  gpus.refresh()
  await settle()
  expect(gpus.of([0])).toBe('failed to obtained gpu usage')
})
