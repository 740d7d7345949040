/** Workers that do not answer, and workers that end (contract scheduling §16, 3 and 4), with jobs tried again where that is right. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gate } from '../support/gate.js'
import { counted, predict, register, type Seen } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error'])
})
afterAll(() => tests.close())

const DIED = { code: 500, type: 'InternalServerException', message: 'Worker died.' }
const asJson = ({ status, text }: Seen) => [status, JSON.parse(text) as unknown]

/** Does what its request says: `hang`, `exit`, `wait` for the gate, `exit once`; or says what it has seen. */
const javascript = (gate: Gate) => `${gate.javascript}
export default { inference: (rows, state, jobs) => Promise.all(jobs.map(async (job) => {
  const word = text(job)
  const before = seen().includes(word)
  note([job])
  if (word === 'hang') await new Promise(() => undefined)
  if (word === 'exit' || (word === 'exit once' && !before)) process.exit(1)
  if (word === 'wait') await pass()
  return 'seen ' + word
})) }`
const python = (gate: Gate) => `${gate.python}
def handle(data, context):
    if data is None: return
    before = seen()
    note(data)
    words = [text(row) for row in data]
    for word in words:
        if word == "hang": time.sleep(1000000)
        if word == "exit" or (word == "exit once" and word not in before): os._exit(1)
        if word == "wait": wait()
    return ["seen " + word for word in words]
`

describe.each(['TypeScript', 'Python'] as const)('%s', (language) => {
  const serve = async (name: string, query: string): Promise<Gate> => {
    const gate = new Gate(tests.folder, name)
    if (language === 'TypeScript') tests.model(name, { 'handler.js': javascript(gate) })
    else tests.pythonModel(name, python(gate))
    const { status, text } = await register(served, `url=${name}&synchronous=true&batch_size=1&${query}`)
    expect([status, text]).toEqual([200, expect.anything()])
    return gate
  }

  test('a handler that hangs past the response time-out fails with its request, and the next one is answered', async () => {
    const name = `hangs-${language}`
    const gate = await serve(name, 'initial_workers=1&response_timeout=1')
    const [before] = (await served.describe(name)).workers
    const hanging = predict(served, name, 'hang')
    await expect.poll(() => gate.seen(), { timeout: 60_000 }).toEqual(['hang'])
    // It had not started: it is not to blame, and is answered by the worker's successor.
    const waiting = predict(served, name, 'waiting')
    expect(asJson(await hanging)).toEqual([500, DIED])
    expect(await waiting).toEqual({ status: 200, text: 'seen waiting' })
    expect(gate.seen()).toEqual(['hang', 'waiting'])
    const [after] = (await served.describe(name)).workers
    expect(after?.pid).not.toBe(before?.pid)
    expect(after).toMatchObject({ restarts: 1 })
    expect(after?.lastFailure?.message).toContain('no sign of life for 1000 ms')
  })

  test('a handler that ends its process once is asked again, and neither the other worker nor the queue notices', async () => {
    const name = `once-${language}`
    const gate = await serve(name, 'initial_workers=2')
    const busy = predict(served, name, 'wait')
    await expect.poll(() => gate.seen(), { timeout: 60_000 }).toEqual(['wait'])
    const pids = (await served.describe(name)).workers.map(({ pid }) => pid)
    const others = ['exit once', 'a', 'b', 'c'].map((word) => predict(served, name, word))
    expect(await Promise.all(others)).toEqual(
      ['exit once', 'a', 'b', 'c'].map((word) => ({ status: 200, text: `seen ${word}` })),
    )
    expect(await counted(served, 'inference_replays_total', name)).toBe(1)
    const now = await served.describe(name)
    expect(now.workers.map(({ restarts }) => restarts).toSorted()).toEqual([0, 1])
    expect(now.workers.filter(({ pid }) => pids.includes(pid))).toHaveLength(1)
    gate.open()
    expect(await busy).toEqual({ status: 200, text: 'seen wait' })
  })

  test('a handler that always ends its process fails its request alone, and is given no third try', async () => {
    const name = `always-${language}`
    const gate = await serve(name, 'initial_workers=2')
    expect(asJson(await predict(served, name, 'exit'))).toEqual([500, DIED])
    expect(gate.seen()).toEqual(['exit', 'exit'])
    expect(await predict(served, name, 'next')).toEqual({ status: 200, text: 'seen next' })
  })
})

test('where jobs are not tried again, the request fails at the first death', async () => {
  const gate = new Gate(tests.folder, 'unrepeatable')
  const files = { 'handler.js': javascript(gate), 'model-config.yaml': 'replayJobs: false\n' }
  tests.model('unrepeatable', files, { configFile: 'model-config.yaml' })
  await register(served, 'url=unrepeatable&initial_workers=1&synchronous=true&batch_size=1')
  expect(asJson(await predict(served, 'unrepeatable', 'exit once'))).toEqual([500, DIED])
  expect(await predict(served, 'unrepeatable', 'next')).toEqual({ status: 200, text: 'seen next' })
  expect(gate.seen()).toEqual(['exit once', 'next'])
})
