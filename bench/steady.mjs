/* global clearTimeout */
// What stays the same over time: p99 over p50 at 70 % of the highest load, against the echo's own ratio; a lone request on
// a version that may batch; memory and p99 over a long run at 70 % (`--minutes 10`; a tenth of a minute without it).
// Needs a built dist/.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { emptyModel, startEcho, startMarina } from './empty-servers.mjs'
import { stopAll } from './started.mjs'
import { median, runDirectly } from './table.mjs'

const LIMITS = { spread: 1.5, addedByBatchingMs: 0.1, memory: 1.1, p99: 1.5 }
const SHARE = 0.7
const program = fileURLToPath(new URL('steady-load.mjs', import.meta.url))

async function load(url, options) {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { stdout } = await promisify(execFile)(process.execPath, [program, url, ...words])
  const result = JSON.parse(stdout)
  if (result.errors > 0) throw new Error(`${url}: ${result.errors} requests failed`)
  return result
}

const residentMb = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** p99 over p50 of each server at 70 % of what it can do, in turn. */
async function spreads(servers, { rounds, seconds }) {
  const highest = new Map()
  for (const { name, url } of servers) highest.set(name, (await load(url, { seconds })).perSecond)
  const found = new Map(servers.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, url } of servers) {
      const { p50Us, p99Us } = await load(url, { seconds, rate: Math.floor(SHARE * highest.get(name)) })
      found.get(name).push(p99Us / p50Us)
    }
  }
  return { highest, spreadOf: (name) => median(found.get(name)) }
}

async function lone(server, { rounds, seconds }) {
  const p50 = new Map()
  for (let round = 0; round < rounds; round++)
    for (const model of ['empty', 'batched'])
      p50.set(model, [
        ...(p50.get(model) ?? []),
        (await load(server.urlOf(model), { connections: 1, seconds })).p50Us / 1000,
      ])
  return { alone: median(p50.get('empty')), batched: median(p50.get('batched')) }
}

/** A long run at 70 %: percentiles of its tenths, and resident memory after the first of them and at the end. */
async function long(server, { rate, seconds }) {
  const memory = []
  const look = () => memory.push(server.pids.map(residentMb))
  const timers = Array.from({ length: 10 }, (_, i) => setTimeout(look, (i + 1) * seconds * 100 - 200))
  try {
    const result = await load(server.url, { seconds, rate: Math.floor(rate), windows: 10 })
    return { ...result, memory }
  } finally {
    timers.forEach(clearTimeout)
  }
}

const minutesOf = (words) => {
  const at = words.indexOf('--minutes')
  return at < 0 ? undefined : Number(words[at + 1])
}

/** The bench `steady`. */
export default async function run({ quick }) {
  const minutes = minutesOf(process.argv) ?? 0.1
  const work = mkdtempSync(join(tmpdir(), 'bench-steady-'))
  const batched = emptyModel(work, { name: 'batched', config: 'batchSize: 8\nmaxBatchDelay: 100\n' })
  try {
    const marina = await startMarina([emptyModel(work), batched])
    const echo = await startEcho()
    const times = { rounds: quick ? 1 : 5, seconds: quick ? 1 : 4 }
    await load(marina.url, { seconds: 2 })
    await load(echo.url, { seconds: 2 })
    const { highest, spreadOf } = await spreads([marina, echo], times)
    const { alone, batched: inBatches } = await lone(marina, times)
    const rate = SHARE * highest.get('marina')
    const run = await long(marina, { rate, seconds: minutes * 60 })
    return {
      title: 'Steady load',
      rows: rowsOf({ spreadOf, alone, inBatches, run, minutes }),
      notes: notesOf(highest, run),
    }
  } finally {
    await stopAll()
    rmSync(work, { recursive: true })
  }
}

function rowsOf({ spreadOf, alone, inBatches, run, minutes }) {
  const [ours, other] = [spreadOf('marina'), spreadOf('echo')]
  const [begin, end] = [run.memory[0], run.memory.at(-1)].map((megabytes) => megabytes[0])
  const p99s = run.windows.map(({ p99Us }) => p99Us / 1000)
  const [early, late] = [median(p99s.slice(1, 5)), median(p99s.slice(-4))]
  const over = `over ${minutes} min at 70 %, ${run.requests.toLocaleString('en')} requests`
  return [
    {
      what: 'p99 / p50 at 70 % of the highest load, 64 connections',
      ours: ours.toFixed(2),
      other: other.toFixed(2),
      ratio: ours / other,
      limit: `≤ ${LIMITS.spread}`,
      ok: ours / other <= LIMITS.spread,
    },
    {
      what: 'p50 of a lone request with batchSize 8, maxBatchDelay 100 (other: batchSize 1)',
      ours: `${inBatches.toFixed(3)} ms`,
      other: `${alone.toFixed(3)} ms`,
      ratio: `+${(inBatches - alone).toFixed(3)} ms`,
      limit: `≤ +${LIMITS.addedByBatchingMs} ms`,
      ok: inBatches - alone <= LIMITS.addedByBatchingMs,
    },
    {
      what: `memory of the server ${over} (other: after a tenth of it)`,
      ours: `${end.toFixed(0)} MB`,
      other: `${begin.toFixed(0)} MB`,
      ratio: end / begin,
      limit: `≤ ${LIMITS.memory}`,
      ok: end / begin <= LIMITS.memory,
    },
    {
      what: `p99 in the last four tenths ${over} (other: in the first)`,
      ours: `${late.toFixed(2)} ms`,
      other: `${early.toFixed(2)} ms`,
      ratio: late / early,
      limit: `≤ ${LIMITS.p99}`,
      ok: late / early <= LIMITS.p99,
    },
  ]
}

const notesOf = (highest, { memory }) => [
  `Highest load with this client: Marina ${highest.get('marina').toFixed(0)}, echo ${highest.get('echo').toFixed(0)} requests/s.`,
  `Memory of server and workers in MB, tenth by tenth: ${memory.map((all) => all.map((mb) => mb.toFixed(0)).join('/')).join(', ')}.`,
]

await runDirectly(import.meta.url, run)
