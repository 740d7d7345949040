// What a server costs that nobody asks: resident memory of its process with one model, and processor time of the server
// and all its workers with a hundred. Needs a built dist/.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyModel, startMarina } from './empty-servers.mjs'
import { stop } from './started.mjs'
import { runDirectly } from './table.mjs'
import { cpuUs } from './wrk.mjs'

const LIMITS = { memoryMb: 90, cpuPercent: 1 }

const kilobytes = (pid, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function memory(work) {
  const server = await startMarina([emptyModel(work)])
  try {
    await sleep(2000)
    return ['Rss', 'Pss'].map((name) => kilobytes(server.pids[0], name) / 1024)
  } finally {
    await stop(server)
  }
}

/** Percent of one core that a server with so many models and their workers uses while nothing is asked. */
async function idleCpu(work, { models, seconds }) {
  const folders = Array.from({ length: models }, (_, i) => emptyModel(work, { name: `m${i}` }))
  const server = await startMarina(folders)
  try {
    await sleep(2000)
    const used = () => server.pids.reduce((sum, pid) => sum + cpuUs(pid), 0)
    const before = used()
    await sleep(seconds * 1000)
    return (used() - before) / (seconds * 1e4)
  } finally {
    await stop(server)
  }
}

/** The bench `at-rest`. */
export default async function run({ quick }) {
  const work = mkdtempSync(join(tmpdir(), 'bench-at-rest-'))
  try {
    const [resident, proportional] = await memory(work)
    const models = quick ? 10 : 100
    const percent = await idleCpu(work, { models, seconds: quick ? 5 : 20 })
    const rows = [
      {
        what: 'memory of the server process with one model, resident',
        ours: `${resident.toFixed(0)} MB`,
        limit: `≤ ${LIMITS.memoryMb} MB`,
        ok: resident <= LIMITS.memoryMb,
      },
      {
        what: `processor time with ${models} models, server and workers, of one core`,
        ours: `${percent.toFixed(2)} %`,
        limit: `≤ ${LIMITS.cpuPercent} %`,
        ok: percent <= LIMITS.cpuPercent,
      },
    ]
    return {
      title: 'At rest',
      rows,
      notes: [`Proportional set size of the server: ${proportional.toFixed(0)} MB.`],
    }
  } finally {
    rmSync(work, { recursive: true })
  }
}

await runDirectly(import.meta.url, run)
