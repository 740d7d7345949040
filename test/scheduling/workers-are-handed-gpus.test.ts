/**
 * GPUs handed round among workers (contract scheduling §7, §14), on a machine that need not have any: what is tested is what
 * handlers are told and what describe shows. The list of GPUs comes from CUDA_VISIBLE_DEVICES, their usage from a command
 * that stands in for nvidia-smi.
 */
import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, predict, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  const smi = tests.file('bin/nvidia-smi', '#!/bin/sh\nprintf "0, 5, 1, 678, 40960\\n1, 0, 0, 3, 40960\\n"\n')
  chmodSync(smi, 0o755)
  const PATH = `${dirname(smi)}:${process.env['PATH'] ?? ''}`
  const env = { PATH, CUDA_VISIBLE_DEVICES: '4,5,6', MARINA_NUMBER_OF_GPU: '2' }
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'warn'], { env })
})
afterAll(() => tests.close())

/** A Python model that answers with the GPU that it is told and the GPUs that it sees. */
function told(name: string, yaml = ''): void {
  const handler = `import os
def handle(data, context):
    if data is None: return
    seen = [str(context.system_properties["gpu_id"]), os.environ["CUDA_VISIBLE_DEVICES"]]
    return [" of ".join(seen) for _ in data]
`
  tests.file(`${name}/config.yaml`, yaml)
  tests.pythonModel(name, handler, { configFile: 'config.yaml' })
}

const SYNCHRONOUSLY = 'initial_workers=1&synchronous=true'

test('each worker is told one, in turn over all models, and sees all that the server sees', async () => {
  for (const name of ['first', 'second', 'third']) {
    told(name)
    expect((await register(served, `url=${name}&${SYNCHRONOUSLY}`)).status).toBe(200)
  }
  expect((await predict(served, 'first')).text).toBe('0 of 4,5,6')
  expect((await predict(served, 'second')).text).toBe('1 of 4,5,6')
  expect((await predict(served, 'third')).text).toBe('0 of 4,5,6')

  const usage = 'gpuId::0 utilization.gpu::5.0 % utilization.memory::1.0 % memory.used::678 MiB'
  const shown = await served.untilDescribed('first', ({ workers }) =>
    JSON.stringify(workers).includes('gpuId'),
  )
  expect(shown).toMatchObject({ deviceType: 'gpu', workers: [{ gpu: true, gpuUsage: usage }] })
  expect(shown).not.toHaveProperty('deviceIds')
})

test('a scrape shows the usage of each GPU of the machine', async () => {
  const scrape = async () => (await fetch(`${served.metrics}/metrics`)).text()
  const host = 'Hostname="[^"]+",'
  await expect
    .poll(scrape)
    .toMatch(new RegExp(`^GPUUtilization{Level="Host",DeviceId="0",${host}} 5.0$`, 'm'))
  expect(await scrape()).toMatch(new RegExp(`^GPUMemoryUsed{Level="Host",DeviceId="1",${host}} 3.0$`, 'm'))
})

test('a model may name its own, or ask for none', async () => {
  told('own', 'deviceIds: [1]\n')
  told('none', 'deviceType: cpu\n')
  await register(served, `url=own&${SYNCHRONOUSLY}`)
  await register(served, `url=none&${SYNCHRONOUSLY}`)
  expect((await predict(served, 'own')).text).toBe('1 of 4,5,6')
  expect((await predict(served, 'none')).text).toBe('None of 4,5,6')
  expect(await served.describe('own')).toMatchObject({ deviceType: 'gpu', deviceIds: [1] })
  expect(await served.describe('none')).toMatchObject({
    deviceType: 'cpu',
    workers: [{ gpu: false, gpuUsage: 'N/A' }],
  })
})

test('a worker that needs several sees those alone, and there are no more workers than GPUs for them', async () => {
  told('group', 'parallelType: custom\nparallelLevel: 2\nminWorkers: 3\nmaxWorkers: 3\n')
  expect((await register(served, `url=group&${SYNCHRONOUSLY}`)).status).toBe(200)
  expect((await predict(served, 'group')).text).toBe('0 of 4,5')
  const shown = await served.describe('group')
  expect(shown).toMatchObject({ parallelType: 'custom', parallelLevel: 2, minWorkers: 1, maxWorkers: 1 })
  expect(shown.workers).toHaveLength(1)
})

test('a model that needs more than there are, or torchrun, is refused, and is gone', async () => {
  told('many', 'parallelType: custom\nparallelLevel: 3\n')
  const many = await register(served, `url=many&${SYNCHRONOUSLY}`)
  expect(many.status).toBe(500)
  expect(many.text).toContain('No enough gpu devices for model:many parallelLevel:3')
  told('torchrun', 'parallelType: tp\nparallelLevel: 2\n')
  const torchrun = await register(served, `url=torchrun&${SYNCHRONOUSLY}`)
  expect(torchrun.status).toBe(400)
  expect(torchrun.text).toContain('torchrun')
  for (const name of ['many', 'torchrun'])
    expect((await manage(served, 'GET', `/models/${name}`)).status).toBe(404)
})
