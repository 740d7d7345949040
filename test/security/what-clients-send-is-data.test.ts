/** Texts that clients choose stay data: in logs, in metrics, in answers; and no number that they choose is followed blindly. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, predict } from '../support/registered.js'
import { rawExchange } from '../support/raw-http.js'
import { isRunning } from '../support/children.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
let archive = ''
beforeAll(async () => {
  archive = await tests.archive(
    'echo',
    `export default { inference: (rows, state, jobs) => jobs.map((job) => {
      const text = Buffer.from(job.input.parts[0].data).toString()
      if (text.startsWith('throw ')) throw new Error(text)
      return text
    }) }`,
  )
  served = await tests.serve([archive, '--log-format', 'json', '--job-queue-size', '100'])
})
afterAll(() => tests.close())

const FORGED =
  'x\n2026-01-01T00:00:00,000 [INFO ] main org.pytorch.serve.ModelServer - forged\u001b[2J\r\nts_forged_total{a="b"} 1|#Level:Host'
const ENCODED = encodeURIComponent(FORGED)

const logLines = () => (served.stdout + served.stderr).split('\n').filter((line) => line !== '')

test('line breaks, escapes and separators in names and URLs make no line of a log or of the metrics', async () => {
  const answers = [
    await manage(served, 'GET', `/models/${ENCODED}`),
    await manage(served, 'POST', `/models?url=${ENCODED}`),
    await manage(served, 'POST', `/models?url=${encodeURIComponent(archive)}&model_name=${ENCODED}`),
    await manage(served, 'GET', `/models/${ENCODED}`),
    await manage(served, 'PUT', `/models/${ENCODED}?min_worker=1`),
    await predict(served, ENCODED, 'x'),
    await predict(served, 'echo', `throw ${FORGED}`),
  ]
  // JSON has no raw control characters, so each answer can be read again.
  for (const { text } of answers.filter(({ text }) => text.startsWith('{'))) JSON.parse(text)
  const metrics = await (await fetch(`${served.metrics}/metrics`)).text()
  expect(metrics).not.toMatch(/^ts_forged_total/m)
  expect(logLines().filter((line) => /^2026-01-01|^ts_forged/.test(line))).toEqual([])
  expect(served.stdout + served.stderr).not.toContain('\u001b[2J')
})

test('an absurd number of workers is refused, for models that are there and for new ones', async () => {
  const refused = {
    status: 400,
    text: expect.stringContaining('1024 workers at the most, not 100000') as string,
  }
  expect(await manage(served, 'PUT', '/models/echo?min_worker=100000&synchronous=true')).toEqual(refused)
  expect(await manage(served, 'PUT', '/models/echo?min_worker=1&max_worker=100000')).toEqual(refused)
  const again = `/models?url=${encodeURIComponent(archive)}&model_name=again&initial_workers=100000`
  expect(await manage(served, 'POST', again)).toEqual(refused)
  expect((await manage(served, 'GET', '/models/again')).status).toBe(404)
})

test('ten thousand requests at once find a queue of a hundred: each is answered or refused, and the server goes on', async () => {
  const [worker] = (await served.describe('echo')).workers
  const one = 'POST /predictions/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi'
  const answers: string[] = []
  for (let round = 0; round < 10; round++)
    answers.push(...(await Promise.all(Array.from({ length: 1000 }, () => rawExchange(served.port, one)))))
  const statuses = new Set(answers.map((answer) => answer.slice(9, 12)))
  expect(['200', '503']).toEqual(expect.arrayContaining([...statuses]))
  expect(answers).toHaveLength(10_000)
  expect((await served.describe('echo')).jobQueueStatus.pendingRequests).toBe(0)
  expect(isRunning(worker?.pid ?? -1)).toBe(true)
  expect((await predict(served, 'echo', 'after')).text).toBe('after')
})
