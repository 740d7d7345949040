/**
 * Clients who close their connection, wherever their request is by then (issue: drop on disconnect; contract scheduling §15,
 * W6): its place is free for others, its handler is told, and it is counted.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gate } from '../support/gate.js'
import { rawConnection, type RawConnection } from '../support/raw-http.js'
import { counted, predict, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const BODY_BYTES = 1000

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  const room = ['--max-buffered-size', String(BODY_BYTES)]
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error', ...room])
})
afterAll(() => tests.close())

const head = (model: string, bytes: number) =>
  `POST /predictions/${model} HTTP/1.1\r\nhost: test\r\ncontent-length: ${bytes}\r\n\r\n`

/** A client that has sent its request and reads nothing yet. */
async function send(model: string, body: string): Promise<RawConnection> {
  const connection = await rawConnection(served.port)
  connection.send(head(model, body.length) + body)
  return connection
}

const hangUps = (place: string) => counted(served, 'inference_hang_ups_total', `place="${place}"`)
/** Until so many have been counted at this place: the server has noticed. */
const noticed = (place: string, count: number) =>
  expect.poll(() => hangUps(place), { timeout: 60_000 }).toBe(count)
const pending = (model: string, count: number) =>
  served.untilDescribed(model, ({ jobQueueStatus }) => jobQueueStatus.pendingRequests === count)
const seen = (gate: Gate, ...words: string[]) =>
  expect.poll(() => gate.seen(), { timeout: 60_000 }).toEqual(words)

const one = (name: string) => `url=${name}&initial_workers=1&synchronous=true&batch_size=1`
const WAITS = `export default {
  inference: async (rows, state, jobs) => (note(jobs), await pass(), jobs.map((job) => 'seen ' + text(job))),
}`

test('while its body is still coming: the memory that was kept for it is free', async () => {
  tests.model('bodies', { 'handler.js': 'export default { inference: (rows) => rows.map(() => "done") }' })
  await register(served, one('bodies'))
  const slow = await rawConnection(served.port)
  slow.send(head('bodies', BODY_BYTES) + 'x')
  const full = () => predict(served, 'bodies', 'y'.repeat(BODY_BYTES)).then(({ status }) => status)
  await expect.poll(full, { timeout: 60_000 }).toBe(503)
  slow.socket.destroy()
  await noticed('receiving', 1)
  expect(await full()).toBe(200)
})

test('while it is queued, or has been sent ahead to a busy worker: it never runs, and another takes its place', async () => {
  const gate = new Gate(tests.folder, 'waiting')
  const files = { 'handler.js': gate.javascript + WAITS, 'model-config.yaml': 'jobQueueSize: 2\n' }
  tests.model('waiting', files, { configFile: 'model-config.yaml' })
  await register(served, one('waiting'))
  const running = predict(served, 'waiting', 'runs')
  await seen(gate, 'runs')
  // The worker's credit is one batch ahead: the first that waits is sent there, the second is not.
  const ahead = await send('waiting', 'ahead')
  await pending('waiting', 1)
  const queued = await send('waiting', 'queued')
  await pending('waiting', 2)
  expect((await predict(served, 'waiting', 'too many')).status).toBe(503)

  queued.socket.destroy()
  await noticed('queued', 1)
  ahead.socket.destroy()
  await noticed('sent', 1)
  const others = [predict(served, 'waiting', 'b'), predict(served, 'waiting', 'c')]
  await pending('waiting', 2)
  gate.open()
  await Promise.all([running, ...others])
  expect(gate.seen().toSorted()).toEqual(['b', 'c', 'runs'])
})

test('while it runs: a handler that listens stops, and the worker takes the next', async () => {
  const gate = new Gate(tests.folder, 'running')
  const listens = `export default { inference: (rows, state, jobs) => Promise.all(jobs.map((job) => {
    note([job])
    return text(job) === 'quick' ? 'done' : new Promise((resolve) => job.signal.addEventListener('abort', () => resolve('told')))
  })) }`
  tests.model('running', { 'handler.js': gate.javascript + listens })
  await register(served, one('running'))
  const client = await send('running', 'long')
  await seen(gate, 'long')
  client.socket.destroy()
  await noticed('running', 1)
  // It would wait for ever behind a handler that nobody has told.
  expect(await predict(served, 'running', 'quick')).toEqual({ status: 200, text: 'done' })
})

describe.each(['TypeScript', 'Python'] as const)(
  'while it runs in a %s handler that does not listen',
  (language) => {
    test('the answer is dropped, and the place counts until then', async () => {
      const name = `deaf-${language}`
      const gate = new Gate(tests.folder, name)
      const deaf = `
def handle(data, context):
    if data is None: return
    note(data)
    wait()
    return ["seen " + text(row) for row in data]
`
      if (language === 'TypeScript') tests.model(name, { 'handler.js': gate.javascript + WAITS })
      else tests.pythonModel(name, gate.python + deaf)
      await register(served, one(name))
      const before = await hangUps('running')
      const client = await send(name, 'deaf')
      await seen(gate, 'deaf')
      client.socket.destroy()
      await noticed('running', before + 1)
      const next = predict(served, name, 'next')
      await pending(name, 1)
      gate.open()
      expect(await next).toEqual({ status: 200, text: 'seen next' })
      expect((await served.describe(name)).workers).toMatchObject([{ restarts: 0 }])
    })
  },
)

test('while its answer comes in pieces: no more are made', async () => {
  const gate = new Gate(tests.folder, 'pieces')
  const endless = `
    async function* pieces(job) {
      try {
        for (let piece = 0; !job.signal.aborted; piece++) {
          yield 'piece ' + piece
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        note([job])
      }
    }
    export default { inference: (rows, state, jobs) => jobs.map((job) => text(job) === 'quick' ? 'done' : pieces(job)) }`
  tests.model('pieces', { 'handler.js': gate.javascript + endless })
  await register(served, one('pieces'))
  const client = await send('pieces', 'endless')
  await client.until(/piece 3/)
  client.socket.destroy()
  await noticed('streaming', 1)
  await seen(gate, 'endless')
  expect(await predict(served, 'pieces', 'quick')).toEqual({ status: 200, text: 'done' })
})
