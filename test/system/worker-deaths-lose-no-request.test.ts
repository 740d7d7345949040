/** Real server, real workers, real sockets, real kills: whatever dies, each request is answered. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { KeepAliveClient } from '../support/keep-alive-client.js'
import { isRunning } from '../support/children.js'
import { counted } from '../support/registered.js'
import { ServerTests } from '../support/served.js'

const REQUESTS = 5000
const CONNECTIONS = 32
const ANSWERS_BETWEEN_KILLS = 300
const LEAST_KILLS = 10

// Each worker keeps the number of jobs that it is working on in a file of its own: what stands there after its death is
// what it was working on when it died.
const handler = `
import { openSync, writeSync } from 'node:fs'
export default {
  initialize: () => openSync(process.env.RUNNING_DIR + '/' + process.pid, 'w'),
  async inference(rows, file, jobs) {
    writeSync(file, String(jobs.length), 0)
    if (jobs.some((job) => text(job) === 'poison')) process.kill(process.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 3))
    writeSync(file, '0', 0)
    return jobs.map((job) => 'seen ' + text(job))
  },
}
const text = (job) => new TextDecoder().decode(job.input.parts[0].data)
`

const tests = new ServerTests()
afterAll(() => tests.close())

async function serveEcho(name: string, workers: number) {
  const running = join(tests.folder, `running-${name}`)
  mkdirSync(running)
  const words = [
    tests.model(name, { 'handler.js': handler }),
    '--workers',
    String(workers),
    '--log-level',
    'error',
  ]
  const served = await tests.serve(words, { env: { RUNNING_DIR: running } })
  const jobsAt = (pid: number) => Number(readFileSync(join(running, String(pid)), 'utf8'))
  const pids = () => readdirSync(running).map(Number)
  return { served, jobsAt, pids }
}

test.each([1, 2])(
  'kill -9 again and again with jobs running fails no request with %i worker(s)',
  async (workers) => {
    const name = `echo${workers}`
    const { served, jobsAt, pids } = await serveEcho(name, workers)
    const killed: number[] = []
    let sent = 0
    let answered = 0
    const wrong: string[] = []

    const killOneAtWork = () => {
      if (answered < ANSWERS_BETWEEN_KILLS * (killed.length + 1)) return
      const victim = pids().find((pid) => !killed.includes(pid) && isRunning(pid) && jobsAt(pid) > 0)
      if (victim === undefined) return // between two batches: the next answer looks again
      process.kill(victim, 'SIGKILL')
      killed.push(victim)
    }
    const client = async () => {
      const connection = await KeepAliveClient.connect(served.port)
      while (sent < REQUESTS) {
        const text = `request ${sent++}`
        const { status, body } = await connection.post(`/predictions/${name}`, text)
        answered++
        if (status !== 200 || body !== `seen ${text}`) wrong.push(`${text}: ${status} ${body}`)
        killOneAtWork()
      }
      connection.close()
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, client))

    expect(wrong).toEqual([])
    expect(answered).toBe(REQUESTS)
    expect(killed.filter((pid) => jobsAt(pid) > 0).length).toBeGreaterThanOrEqual(LEAST_KILLS)
    // The last death may still be on its way.
    await expect.poll(() => counted(served, 'inference_worker_deaths_total', name)).toBe(killed.length)
    expect(await counted(served, 'inference_replays_total', name)).toBeGreaterThanOrEqual(LEAST_KILLS)
  },
)

test('poison fails alone among the requests that it was batched with', async () => {
  const { served } = await serveEcho('poisoned', 1)
  const ask = async (text: string) => {
    const response = await fetch(`${served.inference}/predictions/poisoned`, { method: 'POST', body: text })
    return response.ok ? response.text() : response.status
  }
  const answers = await Promise.all(['a', 'b', 'poison', 'c', 'd', 'e', 'f'].map(ask))
  expect(answers).toEqual(['seen a', 'seen b', 500, 'seen c', 'seen d', 'seen e', 'seen f'])
})
