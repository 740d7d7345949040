/** GPUs, from what nvidia-smi prints. */
import { expect, test } from 'vitest'
import { readGpus } from './gpus.js'

test('each GPU is a line of numbers, of one command for all of them', async () => {
  const asked: string[] = []
  const read = await readGpus((command, args) => {
    asked.push(`${command} ${args.join(' ')}`)
    return Promise.resolve('0, 5, 1, 678, 40960\n1, 97, 40.5, 40123, 40960\n')
  })
  expect(asked).toEqual([
    'nvidia-smi --query-gpu=index,utilization.gpu,utilization.memory,memory.used,memory.total ' +
      '--format=csv,noheader,nounits',
  ])
  expect(read).toEqual([
    { index: 0, busy: 5, memoryBusy: 1, memoryUsedMiB: 678, memoryTotalMiB: 40960 },
    { index: 1, busy: 97, memoryBusy: 40.5, memoryUsedMiB: 40123, memoryTotalMiB: 40960 },
  ])
})

test.each(['No devices were found', '0, [N/A], 1, 678, 40960', '0, 1, 2, 3', ''])(
  'a line that says %j is left out',
  async (line) => {
    expect(await readGpus(() => Promise.resolve(`${line}\n1, 0, 0, 3, 10\n`))).toHaveLength(1)
  },
)
