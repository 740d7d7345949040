/** The probes of a real server: while its model loads, when it answers, when its worker is dead, when it stops. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePorts } from '../compat/original.js'
import { KeepAliveClient } from '../support/keep-alive-client.js'
import { ServerTests } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

/** Loads once a file is there, and can be told to wait or to die. */
const handler = (folder: string) => `import { existsSync } from 'node:fs'
const until = async (name) => {
  while (!existsSync(${JSON.stringify(folder)} + '/' + name)) await new Promise((resolve) => setTimeout(resolve, 5))
}
export default {
  initialize: () => until('load'),
  inference: async (rows, state, jobs) => {
    console.log('running')
    await until('answer')
    return jobs.map(() => 'done')
  },
}`

let port = 0
const ask = async (path: string): Promise<[number, unknown]> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return [response.status, await response.json()]
}

/** Asks as a kubelet does: until somebody listens. */
async function untilLive(): Promise<[number, unknown]> {
  for (;;) {
    const answer = await ask('/live').catch(() => undefined)
    if (answer) return answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a server is started and ready once its model is, and not ready from SIGTERM on', async () => {
  const archive = await tests.archive('slow', handler(tests.folder))
  const ports = await freePorts(false)
  port = ports.inference
  const words = Object.entries(ports).flatMap(([role, number]) => [`--${role}-port`, String(number)])
  const served = tests.run(['serve', archive, ...words, '--json'])
  const model = { modelName: 'slow', modelVersion: '1.0' }
  const waiting = { ...model, ready: false, reason: 'its worker is loading' }
  expect(await untilLive()).toEqual([200, { status: 'Live' }])
  expect(await ask('/startup')).toEqual([503, { status: 'Starting', models: [waiting] }])
  expect(await ask('/ready')).toEqual([503, { status: 'Not ready', models: [waiting] }])
  expect(await ask('/ready/slow')).toEqual([503, waiting])

  writeFileSync(join(tests.folder, 'load'), '')
  await served.until(/^\{"event":"ready".*$/m)
  expect(await ask('/startup')).toMatchObject([200, { status: 'Started' }])
  expect(await ask('/ready')).toEqual([200, { status: 'Ready', models: [{ ...model, ready: true }] }])

  const [busy, probe] = await Promise.all([KeepAliveClient.connect(port), KeepAliveClient.connect(port)])
  const answer = busy.post('/predictions/slow', 'x')
  await served.until(/running/)
  served.child.kill('SIGTERM')
  await served.until(/SIGTERM: answering what has arrived/)
  probe.send('GET /ready HTTP/1.1\r\nhost: test\r\n\r\n')
  expect(await probe.answer()).toMatchObject({
    status: 503,
    body: expect.stringContaining('the server is stopping') as string,
  })
  writeFileSync(join(tests.folder, 'answer'), '')
  expect(await answer).toMatchObject({ status: 200, body: 'done' })
  expect(await served.exited).toBe(0)
})
