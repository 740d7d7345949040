/**
 * Under load a worker is killed with −9 whenever two are READY, ten times, with batches of 8: no request fails. Without
 * `CHAOS_ARCHIVE` (and `CHAOS_BODY`, a file that is sent as it is) it packs a handler that needs no torch.
 */
import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { BAD } from '../handlers/bad-handlers.js'
import { Neighbourhood, packPython } from '../handlers/neighbours.js'
import { ServerTests } from '../support/served.js'

const KILLS = 10
const CLIENTS = 32

const tests = new ServerTests()
afterAll(() => tests.close())

test('no request fails while ten workers are killed', async () => {
  const neighbourhood = new Neighbourhood(tests)
  const { CHAOS_ARCHIVE, CHAOS_BODY } = process.env
  const archive = CHAOS_ARCHIVE ?? (await packPython(tests, { name: 'plain', source: BAD }))
  const body = CHAOS_BODY === undefined ? 'x'.repeat(784) : readFileSync(CHAOS_BODY)
  const served = await neighbourhood.start([archive, '--workers', '2', '--batch-size', '8'])
  const model = await onlyModel(served.management)
  let sent = 0
  const failed: string[] = []
  const state = { going: true }
  const client = async () => {
    while (state.going) {
      sent++
      const answer = await neighbourhood.ask(model, body).catch(String)
      if (!answer.startsWith('200 ')) failed.push(answer)
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client))
  for (let kills = 0; kills < KILLS; kills++) {
    const { workers } = await served.untilDescribed(model, ({ workers }) =>
      workers.every(({ status }) => status === 'READY'),
    )
    const { pid = -1 } = workers[kills % workers.length] ?? {}
    process.kill(pid, 'SIGKILL')
    await served.untilDescribed(model, ({ workers }) => workers.every((worker) => worker.pid !== pid))
    // Work has gone on since.
    const enough = sent + 2 * CLIENTS
    await expect.poll(() => sent, { interval: 20, timeout: 600_000 }).toBeGreaterThan(enough)
  }
  state.going = false
  await clients
  console.log(`${KILLS} kills, ${sent} sent, ${failed.length} failed`)
  expect(failed).toEqual([])
})

async function onlyModel(management: string): Promise<string> {
  const response = await fetch(`${management}/models`)
  // The shape is our own API's (contract rest-api §7.1).
  const { models } = (await response.json()) as { models: { modelName: string }[] }
  return models[0]?.modelName ?? ''
}
