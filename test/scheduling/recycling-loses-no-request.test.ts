/** Workers that are replaced under load, because of the jobs that they have answered and of the memory that they take. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { predict, type Seen } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve([counting(), leaking()])
})
afterAll(() => tests.close())

function counting(): string {
  const handler = `export default { async inference(rows) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    return rows.map(() => 'fine')
  } }`
  const yaml = 'minWorkers: 2\nmaxWorkers: 2\nrecycleAfterJobs: 20\n'
  return tests.model(
    'counting',
    { 'handler.js': handler, 'config.yaml': yaml },
    { configFile: 'config.yaml' },
  )
}

/** Keeps 64 KiB of each request for ever. */
function leaking(): string {
  const handler =
    'hoard = []\ndef handle(data, context):\n    if data is None: return\n    hoard.extend(b"1" * (1 << 16) for _ in data)\n    return ["fine" for _ in data]\n'
  tests.file('leaking/config.yaml', 'minWorkers: 1\nmaxWorkers: 1\nrecycleAboveMemory: 48m\n')
  return tests.pythonModel('leaking', handler, { configFile: 'config.yaml' })
}

/** Sends requests, four at a time, until so many workers have been replaced for this cause; gives the answers. */
async function loadUntil(
  model: string,
  { cause, recyclings }: { cause: string; recyclings: number },
): Promise<Seen[]> {
  const answers: Seen[] = []
  let loaded = true
  const client = async () => {
    while (loaded) answers.push(await predict(served, model))
  }
  const clients = Promise.all(Array.from({ length: 4 }, client))
  while ((await recyclingsOf(model, cause)) < recyclings)
    await new Promise((resolve) => setTimeout(resolve, 50))
  loaded = false
  await clients
  return answers
}

async function recyclingsOf(model: string, cause: string): Promise<number> {
  const text = await (await fetch(`${served.metrics}/metrics`)).text()
  const name = `inference_worker_recyclings_total{model_name="${model}",model_version="1.0",cause="${cause}",} `
  const line = text.split('\n').find((candidate) => candidate.startsWith(name))
  return Number(line?.slice(name.length) ?? 0)
}

test('workers are replaced after so many jobs, one after the other, and every request is answered', async () => {
  const answers = await loadUntil('counting', { cause: 'jobs', recyclings: 3 })
  expect(answers.length).toBeGreaterThan(40)
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  await served.until(/Worker 9\d\d\d is replaced by 9\d\d\d: it has answered \d+ of 20 jobs/)
  const { workers } = await served.untilDescribed('counting', (version) => version.workers.length === 2)
  // Replaced, not restarted: none of them died.
  expect(workers.map(({ restarts }) => restarts)).toEqual([0, 0])
})

test('a worker that leaks is replaced before it takes too much, and every request is answered', async () => {
  const answers = await loadUntil('leaking', { cause: 'memory', recyclings: 1 })
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(await served.describe('leaking')).toMatchObject({
    lastRecycling: { why: expect.stringMatching(/^it has grown to \d+ of \d+ MiB after/) as string },
  })
})
