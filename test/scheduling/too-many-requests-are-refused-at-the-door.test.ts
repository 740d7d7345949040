/** Job tickets (contract scheduling §12 and §16, 13), the limit of jobs, when to ask again, and who goes first. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Gate } from '../support/gate.js'
import { counted, predict, predictWith, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error'])
})
afterAll(() => tests.close())

const configured = { configFile: 'model-config.yaml' }
const WAITS = `export default {
  inference: async (rows, state, jobs) => (note(jobs), await pass(), jobs.map((job) => 'seen ' + text(job))),
}`

async function serve(name: string, { yaml, workers }: { yaml: string; workers: number }): Promise<Gate> {
  const gate = new Gate(tests.folder, name)
  tests.model(name, { 'handler.js': gate.javascript + WAITS, 'model-config.yaml': yaml }, configured)
  await register(served, `url=${name}&initial_workers=${workers}&synchronous=true&batch_size=1`)
  return gate
}

/** What the original answers without a ticket, to the letter. */
const noWorker = (model: string) => `{
  "code": 503,
  "type": "ServiceUnavailableException",
  "message": "Model \\"${model}\\" has no worker to serve inference request. Please use scale workers API to add workers. If this is a sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize"
}
`

/** Until the handlers have been given so many requests. */
const started = (gate: Gate, count: number) =>
  expect.poll(() => gate.seen().length, { timeout: 60_000 }).toBe(count)

test('with job tickets and both workers busy the third request is refused, and taken when one is free', async () => {
  const gate = await serve('tickets', { yaml: 'useJobTicket: true\n', workers: 2 })
  const answers = [predict(served, 'tickets', 'a'), predict(served, 'tickets', 'b')]
  await started(gate, 2)
  const refused = await predictWith(served, 'tickets')
  expect(refused).toMatchObject({ status: 503, text: noWorker('tickets') })
  expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d?$/)
  expect(await counted(served, 'inference_refusals_total', 'reason="no-ticket"')).toBe(1)
  expect(await served.describe('tickets')).toMatchObject({ useJobTicket: true })

  gate.open()
  expect(await Promise.all(answers)).toEqual([
    { status: 200, text: 'seen a' },
    { status: 200, text: 'seen b' },
  ])
  expect(await predict(served, 'tickets', 'c')).toEqual({ status: 200, text: 'seen c' })
})

test('a limit of jobs counts those that run and those that wait, and says when it is worth asking again', async () => {
  const gate = await serve('limited', { yaml: 'maxJobs: 2\n', workers: 1 })
  const running = predict(served, 'limited', 'runs')
  await started(gate, 1)
  const waiting = predict(served, 'limited', 'waits')
  await served.untilDescribed('limited', ({ jobQueueStatus }) => jobQueueStatus.pendingRequests === 1)
  const refused = await predictWith(served, 'limited')
  expect(refused).toMatchObject({ status: 503, text: noWorker('limited') })

  gate.open()
  await Promise.all([running, waiting])
  expect(await predict(served, 'limited', 'later')).toEqual({ status: 200, text: 'seen later' })
})

test('the longer requests wait in the queue, the later whoever is refused is asked to come again', async () => {
  const gate = new Gate(tests.folder, 'patience')
  const handler = `export default { initialize: () => pass(), inference: (rows) => rows.map(() => 'done') }`
  const files = { 'handler.js': gate.javascript + handler, 'model-config.yaml': 'jobQueueSize: 1\n' }
  tests.model('patience', files, configured)
  await register(served, 'url=patience&initial_workers=1&synchronous=false')
  const waiting = predict(served, 'patience')
  await served.untilDescribed('patience', ({ jobQueueStatus }) => jobQueueStatus.pendingRequests === 1)
  const seconds = async () => {
    const { status, headers } = await predictWith(served, 'patience')
    expect(status).toBe(503)
    return Number(headers.get('retry-after'))
  }
  await expect.poll(seconds, { timeout: 60_000 }).toBeGreaterThan(2)
  expect(await counted(served, 'inference_refusals_total', 'reason="queue-full"')).toBeGreaterThan(0)
  gate.open()
  expect(await waiting).toEqual({ status: 200, text: 'done' })
})

test('requests that wait go to the worker by their priority, and in order of arrival within one', async () => {
  const gate = new Gate(tests.folder, 'urgent')
  const handler = `export default {
    initialize: () => pass(),
    inference: (rows, state, jobs) => (note(jobs), jobs.map(() => 'done')),
  }`
  tests.model('urgent', { 'handler.js': gate.javascript + handler })
  await register(served, 'url=urgent&initial_workers=1&synchronous=false&batch_size=1')
  const arrivals = ['low', 'normal', 'high', 'low', 'normal', 'high'].map(
    (priority, at) => `${priority} ${at}`,
  )
  const answers = []
  for (const body of arrivals) {
    const headers = { 'X-Request-Priority': body.split(' ')[0] ?? '' }
    answers.push(predictWith(served, 'urgent', { body, headers }))
    // One after the other: each is known to wait before the next comes.
    const { length } = answers
    await served.untilDescribed('urgent', ({ jobQueueStatus }) => jobQueueStatus.pendingRequests === length)
  }
  gate.open()
  await Promise.all(answers)
  expect(gate.seen()).toEqual(['high 2', 'high 5', 'normal 1', 'normal 4', 'low 0', 'low 3'])
  const headers = { 'X-Request-Priority': 'at once' }
  expect(await predictWith(served, 'urgent', { headers })).toMatchObject({ status: 400 })
})
