// The empty Python handler on Marina, TorchServe 0.12.0, FastAPI with uvicorn, LitServe and Triton's Python backend, in turn
// in one run: p50 at 1 connection, requests a second at 10 and 64, and the processor time of a request. The servers are
// installed into virtual environments once. Needs wrk, JDK 17, Debian's torch (TorchServe), and a built dist/.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packHandler } from './packing.mjs'
import {
  litServeBody,
  startFastApi,
  startLitServe,
  startMarina,
  startTorchServe,
  startTriton,
  tritonBody,
} from './peer-servers.mjs'
import { stopAll } from './started.mjs'
import { runDirectly } from './table.mjs'
import { checkWrk, measureAll, wrkScript } from './wrk.mjs'

const BYTES = 784 // an MNIST image in raw bytes
const BODY = Buffer.alloc(BYTES, 'x')
const SOURCE = 'def handle(data, context):\n    return data and ["ok"] * len(data)\n'

/** What is promised: [load, figure, other server, our server, limit]; p50 at most, requests at least so many times. */
const LIMITS = [
  ['1', 'p50Ms', 'TorchServe', 'Marina', 0.25],
  ['1', 'p50Ms', 'FastAPI', 'Marina', 0.8],
  ['1', 'p50Ms', 'Triton', 'Marina, batch 16', 0.5],
  ['10', 'requestsPerSecond', 'TorchServe', 'Marina', 7],
  ['64', 'requestsPerSecond', 'TorchServe', 'Marina', 7],
  ['10', 'requestsPerSecond', 'FastAPI', 'Marina', 1.8],
  ['64', 'requestsPerSecond', 'FastAPI', 'Marina', 1.8],
  ['10', 'requestsPerSecond', 'LitServe', 'Marina', 7],
  ['64', 'requestsPerSecond', 'LitServe', 'Marina', 7],
  ['64', 'requestsPerSecond', 'TorchServe, batch 16', 'Marina, batch 16', 5],
  ['64', 'requestsPerSecond', 'Triton', 'Marina, batch 16', 1.2],
]

/** Starts all; one that cannot be started on this machine is named, and left out. */
async function startAll(work) {
  const store = join(work, 'store')
  const model = packHandler(store, { name: 'empty', source: SOURCE })
  const ours = { model, modelName: 'empty', body: BODY }
  const theirs = { store, modelName: 'empty', work, body: BODY }
  const starts = [
    () => startMarina('Marina', ours),
    () => startMarina('Marina, batch 16', { ...ours, batch: 16 }),
    () => startTorchServe('TorchServe', theirs),
    () => startTorchServe('TorchServe, batch 16', { ...theirs, batch: 16 }),
    () => startFastApi('FastAPI', { body: BODY }),
    () => startLitServe('LitServe', { body: BODY }),
    () => startTriton('Triton', { work, body: tritonBody(BYTES) }),
  ]
  const servers = []
  const missing = []
  for (const begin of starts) {
    try {
      servers.push(await begin())
    } catch (error) {
      missing.push(`Not measured: ${error.message.split('\n').slice(0, 12).join(' ')}`)
    }
  }
  return { servers, missing }
}

function rowsOf(of, names) {
  const promised = LIMITS.filter(([, , other, ours]) => names.includes(other) && names.includes(ours))
  return promised.map(([load, figure, other, ours, limit]) => {
    const [a, b] = [of(load, ours, figure), of(load, other, figure)]
    const isTime = figure === 'p50Ms'
    const what = isTime ? `p50 in ms, ${load} connection` : `requests a second, ${load} connections`
    return {
      what: `${what}: ${ours}; ${other}`,
      ...{ ours: a, other: b, ratio: a / b },
      limit: `${isTime ? '≤' : '≥'} ${limit}`,
      ok: isTime ? a / b <= limit : a / b >= limit,
    }
  })
}

/** A server that failed has no figures, and its promises do not hold. */
const failureRow = (message) => ({
  what: 'did not answer',
  ours: '',
  other: message,
  limit: 'answers',
  ok: false,
})

/** All figures of all servers: a table of its own. */
function figuresOf(of, names) {
  const cell = (load, name) =>
    `${Math.round(of(load, name, 'requestsPerSecond'))} · ${of(load, name, 'p50Ms').toFixed(2)} · ${of(load, name, 'p99Ms').toFixed(1)}`
  const cpu = (name) =>
    `${of('64', name, 'serverCpuUs').toFixed(0)} + ${of('64', name, 'workerCpuUs').toFixed(0)}`
  return [
    '| req/s · p50 ms · p99 ms | 1 connection | 10 | 64 | CPU µs of server + others a request at 64 |',
    '| --- | --- | --- | --- | --- |',
    ...names.map(
      (name) => `| ${[name, ...['1', '10', '64'].map((load) => cell(load, name)), cpu(name)].join(' | ')} |`,
    ),
  ]
}

/** The bench `peers`. */
export default async function run({ quick }) {
  checkWrk()
  const work = mkdtempSync(join(tmpdir(), 'bench-peers-'))
  const seconds = quick ? 1 : 3
  const rounds = quick ? 1 : 5
  try {
    const { servers, missing } = await startAll(work)
    const type = 'application/json'
    const json = (name, body) => wrkScript(work, { name, bodies: [body], type })
    const scripts = {
      Triton: json('triton', tritonBody(BYTES)),
      LitServe: json('litserve', litServeBody(BODY)),
    }
    const plain = wrkScript(work, { name: 'plain', bodies: [BODY] })
    const loads = [1, 10, 64].map((connections) => ({ name: String(connections), connections, seconds }))
    const scriptOf = (name) => scripts[name] ?? plain
    const failures = new Map()
    const onFailure = (server, error) => failures.set(server.name, error.message)
    const of = await measureAll(servers, loads, { rounds, scriptOf, onFailure })
    const names = servers.map(({ name }) => name).filter((name) => !failures.has(name))
    const note = `Medians of ${rounds} rounds of ${seconds} s each, all servers in turn, those that wait stopped.`
    const notes = [...figuresOf(of, names), '', note, ...missing]
    const rows = [...rowsOf(of, names), ...[...failures.values()].map(failureRow)]
    return { title: 'The empty Python handler', rows, notes }
  } finally {
    await stopAll()
    rmSync(work, { recursive: true, force: true })
  }
}

await runDirectly(import.meta.url, run)
