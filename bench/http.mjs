// HTTP: `marina serve` with an empty TypeScript handler against the echo (bench/echo.mjs), alternating in one run.
// p50 at concurrency 1, requests a second at 64, bytes a second of 1 MiB bodies, and CPU µs a request of server and
// worker. Needs `wrk` (apt-get install wrk) and a built dist/.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyModel, startEcho, startMarina } from './empty-servers.mjs'
import { stopAll } from './started.mjs'
import { runDirectly } from './table.mjs'
import { checkWrk, measureAll, wrkScript } from './wrk.mjs'

const SMALL = 784 // an MNIST image in raw bytes
const LARGE = 2 ** 20
const LIMITS = { addedP50Ms: 0.1, throughput: 0.75, largeBytes: 0.75 }

function rowsOf(of) {
  const pair = (load, figure) => [of(load, 'marina', figure), of(load, 'echo', figure)]
  const [ourP50, theirP50] = pair('one', 'p50Ms')
  const [ourRate, theirRate] = pair('many', 'requestsPerSecond')
  const [ourLarge, theirLarge] = pair('large', 'requestsPerSecond').map((rate) => (rate * LARGE) / 1e6)
  const [ourCpu, theirCpu] = pair('many', 'serverCpuUs')
  const [ourWorker, theirWorker] = pair('many', 'workerCpuUs')
  const ratioRow = (what, [ours, other], { unit, least }) => ({
    what,
    ours: `${ours.toFixed(0)} ${unit}`,
    other: `${other.toFixed(0)} ${unit}`,
    ratio: ours / other,
    limit: `≥ ${least}`,
    ok: ours / other >= least,
  })
  const cpuRow = (what, ours, other) => ({
    what,
    ours: `${ours.toFixed(1)} µs`,
    other: `${other.toFixed(1)} µs`,
    ratio: ours / other,
  })
  return [
    {
      what: 'p50, 784 bytes, 1 connection',
      ours: `${ourP50.toFixed(3)} ms`,
      other: `${theirP50.toFixed(3)} ms`,
      ratio: `+${(ourP50 - theirP50).toFixed(3)} ms`,
      limit: `≤ +${LIMITS.addedP50Ms} ms`,
      ok: ourP50 - theirP50 <= LIMITS.addedP50Ms,
    },
    ratioRow('784 bytes, 64 connections', [ourRate, theirRate], {
      unit: 'requests/s',
      least: LIMITS.throughput,
    }),
    ratioRow('1 MiB, 8 connections', [ourLarge, theirLarge], { unit: 'MB/s', least: LIMITS.largeBytes }),
    cpuRow('CPU of the server a request, 64 connections', ourCpu, theirCpu),
    cpuRow('CPU of the worker a request, 64 connections', ourWorker, theirWorker),
  ]
}

/** The bench `http`. */
export default async function run({ quick }) {
  checkWrk()
  const work = mkdtempSync(join(tmpdir(), 'bench-http-'))
  const seconds = quick ? 1 : 3
  const rounds = quick ? 2 : 5
  const post = (bytes) => wrkScript(work, { name: `post-${bytes}`, bodies: [Buffer.alloc(bytes, 'x')] })
  const small = post(SMALL)
  const loads = [
    { name: 'one', connections: 1, seconds, script: small },
    { name: 'many', connections: 64, seconds, script: small },
    { name: 'large', connections: 8, seconds, script: post(LARGE) },
  ]
  try {
    const servers = [await startEcho(), await startMarina([emptyModel(work)])]
    const of = await measureAll(servers, loads, { rounds })
    const notes = [`Medians of ${rounds} rounds of ${seconds} s each, both servers in turn.`]
    return { title: 'Request path over HTTP, against the echo', rows: rowsOf(of), notes }
  } finally {
    await stopAll()
    rmSync(work, { recursive: true })
  }
}

await runDirectly(import.meta.url, run)
