/** A model between one and two workers, under a load that comes and goes (contract scheduling §9: the original never scales by itself). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { predict } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  const handler = `export default { async inference(rows) {
    await new Promise((resolve) => setTimeout(resolve, 60))
    return rows.map(() => 'fine')
  } }`
  const yaml = [
    'minWorkers: 1',
    'maxWorkers: 2',
    'batchSize: 1',
    'scaleQueueTime: 100',
    'scaleUpCooldown: 1',
    'scaleDownCooldown: 3',
  ].join('\n')
  const model = tests.model(
    'elastic',
    { 'handler.js': handler, 'config.yaml': yaml },
    { configFile: 'config.yaml' },
  )
  served = await tests.serve([model])
})
afterAll(() => tests.close())

test('while jobs wait there is a second worker, afterwards there is one again, and every request is answered', async () => {
  const answers: { readonly status: number; readonly text: string }[] = []
  let loaded = true
  const client = async () => {
    while (loaded) answers.push(await predict(served, 'elastic'))
  }
  const clients = Promise.all(Array.from({ length: 8 }, client))

  const whole = await served.untilDescribed(
    'elastic',
    ({ workers }) => workers.length === 2 && workers.every(({ status }) => status === 'READY'),
  )
  expect(whole).toMatchObject({
    minWorkers: 1,
    maxWorkers: 2,
    lastScaling: { from: 1, to: 2, why: expect.stringContaining('has waited') as string },
  })
  await served.until(/Scaled from 1 to 2 workers: a job has waited/)
  const [first] = whole.workers

  loaded = false
  await clients
  const idle = await served.untilDescribed('elastic', ({ workers }) => workers.length === 1)
  expect(idle).toMatchObject({ workers: [{ pid: first?.pid }], lastScaling: { from: 2, to: 1 } })

  expect(answers.length).toBeGreaterThan(8)
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  const metrics = await (await fetch(`${served.metrics}/metrics`)).text()
  expect(metrics).toMatch(/inference_worker_scalings_total\{model_name="elastic".*direction="up",\} 1/)
  expect(metrics).toMatch(/inference_worker_scalings_total\{model_name="elastic".*direction="down",\} 1/)
})
