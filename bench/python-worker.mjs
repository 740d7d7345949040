/* global setImmediate */
// A Python worker with an empty handler against a bare Python echo over the same kind of socket, alternating in one run,
// without HTTP on either side: p50 with one request at a time, requests a second with 64 outstanding (batches of 16), and
// CPU µs a request of the child.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPythonWorker } from './python-side.mjs'
import { median, runDirectly } from './table.mjs'
import { cpuUs } from './wrk.mjs'

const LIMITS = { addedP50Ms: 0.15 }
const BODY = Buffer.alloc(784, 'x') // an MNIST image in raw bytes
const OUTSTANDING = 64
const BATCH = 16

/** A bare echo: frames of u32 key · u32 length · body. `ask` resolves with the answer's body. */
function startEcho() {
  const child = spawn('python3', [fileURLToPath(new URL('echo-child.py', import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  const socket = child.stdio[3]
  const waiting = new Map()
  let lastKey = 0
  let held = Buffer.alloc(0)
  let pieces = []
  socket.on('data', (bytes) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    let at = 0
    while (held.length - at >= 8) {
      const end = at + 8 + held.readUInt32LE(at + 4)
      if (end > held.length) break
      const key = held.readUInt32LE(at)
      const resolve = waiting.get(key)
      waiting.delete(key)
      resolve(held.subarray(at + 8, end))
      at = end
    }
    held = held.subarray(at)
  })
  const flush = () => {
    const leaving = pieces
    pieces = []
    socket.write(Buffer.concat(leaving))
  }
  const ask = () =>
    new Promise((resolve) => {
      const head = Buffer.allocUnsafe(8)
      head.writeUInt32LE(++lastKey, 0)
      head.writeUInt32LE(BODY.length, 4)
      waiting.set(lastKey, resolve)
      if (pieces.length === 0) setImmediate(flush)
      pieces.push(head, BODY)
    })
  return { ask, pid: child.pid, stop: () => child.kill() }
}

/** A worker that is asked as a server would ask it. */
async function startWorker(work) {
  const modelDir = join(work, 'model')
  mkdirSync(modelDir, { recursive: true })
  writeFileSync(
    join(modelDir, 'handler.py'),
    'def handle(data, context):\n    return data and ["ok"] * len(data)\n',
  )
  const worker = await startPythonWorker(modelDir, { load: { batchSize: BATCH } })
  const contentType = 'application/octet-stream'
  const headers = { Host: '127.0.0.1:8080', 'Content-Type': contentType, 'content-length': '784' }
  const job = { id: '0b0f6f0e-4f5c-4a0e-9d57-5d1f2c5f0f6e', headers }
  const part = { contentType, body: { kind: 'inline', data: BODY } }
  return { ...worker, ask: () => worker.ask(part, job) }
}

async function latency({ ask }, requests) {
  const times = []
  for (let i = 0; i < requests / 5; i++) {
    const begun = performance.now()
    await ask()
    times.push(performance.now() - begun)
  }
  return median(times)
}

async function throughput({ ask, pid }, requests) {
  const before = cpuUs(pid)
  const begun = performance.now()
  const client = async () => {
    for (let i = 0; i < requests / OUTSTANDING; i++) await ask()
  }
  await Promise.all(Array.from({ length: OUTSTANDING }, client))
  const count = Math.ceil(requests / OUTSTANDING) * OUTSTANDING
  return {
    requestsPerSecond: count / ((performance.now() - begun) / 1000),
    childCpuUs: (cpuUs(pid) - before) / count,
  }
}

async function alternate(sides, { rounds, requests }) {
  const samples = { echo: [], worker: [] }
  for (let round = 0; round <= rounds; round++) {
    for (const [name, side] of Object.entries(sides)) {
      const sample = { p50Ms: await latency(side, requests), ...(await throughput(side, requests)) }
      if (round > 0) samples[name].push(sample) // round 0 warms up
    }
  }
  const medians = (all) =>
    Object.fromEntries(Object.keys(all[0]).map((key) => [key, median(all.map((sample) => sample[key]))]))
  return { echo: medians(samples.echo), worker: medians(samples.worker) }
}

export default async function run({ quick }) {
  const work = mkdtempSync(join(tmpdir(), 'bench-python-'))
  const sides = { echo: startEcho(), worker: await startWorker(work) }
  const options = quick ? { rounds: 2, requests: 5_000 } : { rounds: 5, requests: 20_000 }
  const { echo, worker } = await alternate(sides, options)
  Object.values(sides).forEach((side) => side.stop())
  rmSync(work, { recursive: true })
  const addedP50Ms = worker.p50Ms - echo.p50Ms
  return {
    title: 'A Python worker against a bare Python echo, without HTTP',
    rows: [
      {
        what: 'p50 of one request at a time, ms',
        ours: worker.p50Ms,
        other: echo.p50Ms,
        limit: `at most ${LIMITS.addedP50Ms} ms more`,
        ok: addedP50Ms <= LIMITS.addedP50Ms,
      },
      {
        what: `requests a second, ${OUTSTANDING} outstanding, batches of ${BATCH}`,
        ours: Math.round(worker.requestsPerSecond),
        other: Math.round(echo.requestsPerSecond),
      },
      { what: 'CPU µs a request of the child', ours: worker.childCpuUs, other: echo.childCpuUs },
    ],
    notes: [
      'The echo returns what has arrived in one piece: with many outstanding it is a copy of memory, no rival.',
    ],
  }
}

await runDirectly(import.meta.url, run)
