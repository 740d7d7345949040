/** Deadlines, the model's and the client's (contract scheduling §5 and §16, 17), where TorchServe answers nothing at all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gate } from '../support/gate.js'
import { predict, predictWith, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'warn'])
})
afterAll(() => tests.close())

const yaml = (text: string) => ({ 'model-config.yaml': text })
const configured = { configFile: 'model-config.yaml' }
const tooLate = (when: string) => ({
  code: 408,
  type: 'RequestTimeoutException',
  message: `The deadline of the request passed before ${when}.`,
})
const AT_WORK = tooLate('it was answered')
const WAITING = tooLate('a worker could take it')

describe.each(['TypeScript', 'Python'] as const)('a %s handler', (language) => {
  const name = `late-${language.toLowerCase()}`

  test('that works past the time-out of its clients is not waited for, and its worker serves on', async () => {
    const gate = new Gate(tests.folder, name)
    const waits = `export default { inference: async (rows, state, jobs) => (await pass(), jobs.map(() => 'done')) }`
    const waitsInPython = `
def handle(data, context):
    if data is None: return
    wait()
    return ["done"] * len(data)
`
    const limit = yaml('clientTimeoutInMills: 1000\n')
    if (language === 'TypeScript')
      tests.model(name, { 'handler.js': gate.javascript + waits, ...limit }, configured)
    else tests.pythonModel(name, gate.python + waitsInPython, configured)
    if (language === 'Python') tests.file(`${name}/model-config.yaml`, limit['model-config.yaml'])
    await register(served, `url=${name}&initial_workers=1&synchronous=true`)

    const { status, text } = await predict(served, name, 'x')
    expect([status, JSON.parse(text)]).toEqual([408, AT_WORK])
    await served.until(/Drop response for inference request [0-9a-f-]{36} due to client timeout/)

    const [before] = (await served.describe(name)).workers
    gate.open()
    // Its place is free again, and the answer that nobody waited for went to nobody.
    await expect.poll(() => predict(served, name), { timeout: 60_000 }).toEqual({ status: 200, text: 'done' })
    expect((await served.describe(name)).workers).toMatchObject([{ pid: before?.pid, restarts: 0 }])
  })
})

test('a request whose deadline passes while it waits is never given to a worker', async () => {
  const gate = new Gate(tests.folder, 'loading')
  const handler = `export default {
    initialize: () => pass(),
    inference: (rows, state, jobs) => (note(jobs), jobs.map((job) => 'seen ' + text(job))),
  }`
  tests.model('loading', { 'handler.js': gate.javascript + handler })
  await register(served, 'url=loading&initial_workers=1&synchronous=false')
  const patient = predict(served, 'loading', 'patient')
  const { status, text } = await predictWith(served, 'loading', {
    body: 'hasty',
    headers: { 'X-Request-Timeout-Ms': '1' },
  })
  expect([status, JSON.parse(text)]).toEqual([408, WAITING])
  await served.until(/Drop inference request [0-9a-f-]{36} due to client timeout/)
  gate.open()
  expect(await patient).toEqual({ status: 200, text: 'seen patient' })
  expect(gate.seen()).toEqual(['patient'])
})

test('an answer in pieces that is not whole at its deadline breaks off', async () => {
  const gate = new Gate(tests.folder, 'pieces')
  const handler = `
    async function* pieces() {
      yield 'first'
      await pass()
      yield 'last'
    }
    export default { inference: (rows) => rows.map(() => pieces()) }`
  tests.model('pieces', { 'handler.js': gate.javascript + handler })
  await register(served, 'url=pieces&initial_workers=1&synchronous=true')
  // Long enough for the first piece, on any machine that ends this test at all.
  const headers = { 'x-request-timeout-ms': '3000' }
  const response = await fetch(`${served.inference}/predictions/pieces`, { method: 'POST', headers })
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('a deadline that is no number is refused', async () => {
  const headers = { 'x-request-timeout-ms': 'soon' }
  expect(await predictWith(served, 'loading', { headers })).toMatchObject({ status: 400 })
})
