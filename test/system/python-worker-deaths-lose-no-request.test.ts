/** Python workers killed with −9 under load, over HTTP, the clients never trying again: every request is answered. */
import { afterAll, expect, test } from 'vitest'
import { addressUrl } from '../../src/config/config.js'
import type { RunningServer } from '../../src/server.js'
import { OwnServers } from '../support/own-servers.js'

const servers = new OwnServers()
afterAll(() => servers.close())

const CLIENTS = 16
const KILLS = 10

const HANDLER = `
import os, signal, time
def handle(data, context):
    if data is None: return
    words = [row["body"] for row in data]
    if "poison" in words: os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.005)
    return ["seen " + word for word in words]
`

async function start(name: string, { batchSize, preload = false }: Case): Promise<RunningServer> {
  const configFile = servers.file('model-config.yaml', `preloadWorkers: ${preload}\n`)
  const models = [await servers.archive(name, HANDLER, { configFile })]
  const server = await servers.start({ models, flags: { workers: '2', 'batch-size': String(batchSize) } })
  expect(await server.workersReady).toEqual([{ status: 'fulfilled', value: undefined }])
  return server
}

interface Case {
  readonly batchSize: number
  /** Workers are forked from one parent. */
  readonly preload?: boolean
}

const slotsOf = (server: RunningServer, name: string) =>
  server.catalog.describe(name, undefined)[0]?.workers ?? []

async function ask(server: RunningServer, name: string, word: string): Promise<string> {
  const url = addressUrl(server.addresses.inference)
  const response = await fetch(`${url}/predictions/${name}`, { method: 'POST', body: word })
  return `${response.status} ${await response.text()}`
}

test.each([
  { name: 'batch1', batchSize: 1 },
  { name: 'batch8', batchSize: 8 },
  { name: 'preloaded', batchSize: 8, preload: true },
])('no request is lost to ten kills: $name', async ({ name, ...options }) => {
  const server = await start(name, options)
  const wrong: string[] = []
  let asked = 0
  let done = false
  const client = async () => {
    while (!done) {
      const word = String(asked++)
      const answer = await ask(server, name, word)
      if (answer !== `200 seen ${word}`) wrong.push(answer)
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client))
  for (let kills = 0; kills < KILLS; kills++) {
    const victim = () => {
      const ready = slotsOf(server, name).filter(({ status }) => status === 'READY')
      return ready.length === 2 ? ready[kills % 2]?.pid : undefined
    }
    await expect.poll(victim, { interval: 5 }).toBeDefined()
    process.kill(victim() ?? NaN, 'SIGKILL')
    const answered = asked + 2 * CLIENTS
    await expect.poll(() => asked, { interval: 5 }).toBeGreaterThan(answered)
  }
  done = true
  await clients
  expect(wrong).toEqual([])
  expect(slotsOf(server, name).reduce((sum, { restarts }) => sum + restarts, 0)).toBeGreaterThanOrEqual(
    KILLS - 1,
  )
})

test('a request that kills its worker fails alone, and its companions are answered', async () => {
  const server = await start('batch4', { batchSize: 4 })
  const words = Array.from({ length: 40 }, (_, at) => (at === 17 ? 'poison' : String(at)))
  const answers = await Promise.all(words.map((word) => ask(server, 'batch4', word)))
  expect(answers.filter((answer) => answer.startsWith('200 seen'))).toHaveLength(39)
  expect(answers[17]).toMatch(/^500 .*Worker died/s)
})
