/** Batches and the queue in front of them (contract scheduling §16, 1 and 2), with delays that no test would live to see end. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { predict, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--workers', '1', '--job-queue-size', '4'])
})
afterAll(() => tests.close())

/** Says how many requests were in its batch. */
const COUNTS = 'export default { inference: (rows) => rows.map(() => String(rows.length)) }'
const NEVER_MS = 1_000_000

const yaml = (fixedBatches: boolean) =>
  `batchSize: 4\nmaxBatchDelay: ${NEVER_MS}\nfixedBatches: ${fixedBatches}\n`

async function serve(name: string, { fixedBatches }: { fixedBatches: boolean }) {
  const files = { 'handler.js': COUNTS, 'model-config.yaml': yaml(fixedBatches) }
  tests.model(name, files, { configFile: 'model-config.yaml' })
  expect(await register(served, `url=${name}&initial_workers=1&synchronous=true`)).toMatchObject({
    status: 200,
  })
}

test('a lone request is answered at once, whatever batch size and delay the version has', async () => {
  await serve('lone', { fixedBatches: false })
  expect(await predict(served, 'lone')).toEqual({ status: 200, text: '1' })
})

test('where a version asks for fixed batches, four requests are one batch', async () => {
  await serve('fixed', { fixedBatches: true })
  const answers = await Promise.all(Array.from({ length: 4 }, () => predict(served, 'fixed')))
  expect(answers.map(({ text }) => text)).toEqual(['4', '4', '4', '4'])
})

test('with q places to wait and one busy worker, request q + 2 is refused and the earlier ones are answered', async () => {
  const gate = join(tests.folder, 'open')
  const waits = `import { existsSync } from 'node:fs'
    export default { async inference(rows) {
      while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 10))
      return rows.map(() => 'done')
    } }`
  tests.model('busy', { 'handler.js': waits })
  await register(served, 'url=busy&initial_workers=1&synchronous=true&batch_size=1')
  const running = predict(served, 'busy')
  const waiting = []
  // One after the other: each is known to wait before the next comes.
  for (let places = 1; places <= 4; places++) {
    waiting.push(predict(served, 'busy'))
    await served.untilDescribed('busy', ({ jobQueueStatus }) => jobQueueStatus.pendingRequests === places)
  }
  const refused = await predict(served, 'busy')
  expect(refused.status).toBe(503)
  expect(refused.text).toContain('"type": "ServiceUnavailableException"')
  writeFileSync(gate, '')
  const answers = await Promise.all([running, ...waiting])
  expect(answers).toEqual(answers.map(() => ({ status: 200, text: 'done' })))
})
