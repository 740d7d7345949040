// Two models side by side, one in Python and one in TypeScript, and a third that crashes for ever beside them: what do the
// two lose? One server; the third is registered and unregistered in turns, so that each measurement with it has one without
// it right before. Two ways to crash: at each load (the server backs off), and at each request, sent one after the other.
// Needs `wrk` (apt-get install wrk) and a built dist/.
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyModel, startMarina } from './empty-servers.mjs'
import { stopAll } from './started.mjs'
import { median, runDirectly } from './table.mjs'
import { checkWrk, measure, wrkScript } from './wrk.mjs'

const LIMITS = { p50Ratio: 1.1, throughputRatio: 0.9 }
const SERVING = ['python', 'typescript']
const CRASHING = {
  'fails-to-load': 'raise ValueError("no weights")\n',
  'dies-at-requests': 'import os\ndef handle(data, context):\n    if data: os.abort()\n',
}
const OK = 'def handle(data, context):\n    return data and ["ok"] * len(data)\n'
const python = (source) => ({ file: 'handler.py', source })

/** Ratios of the two models with and without the third; each limit is on the worse of the two. */
export default async function run({ quick }) {
  checkWrk()
  const [rounds, seconds] = quick ? [1, 1] : [5, 3]
  const work = mkdtempSync(join(tmpdir(), 'bench-neighbour-'))
  try {
    const server = await start(work)
    const script = wrkScript(work, { name: 'x', bodies: ['x'] })
    const rows = []
    for (const crashing of Object.keys(CRASHING)) {
      const samples = await inTurns(server, { crashing, rounds, load: { script, seconds } })
      for (const model of SERVING) rows.push(...rowsOf(model, crashing, samples[model]))
    }
    const notes = [
      `${rounds} rounds of ${seconds} s; medians; ${cpus().length} cores for clients, server and workers.`,
    ]
    return { title: 'A model that crashes for ever beside two that serve', rows, notes }
  } finally {
    await stopAll()
    rmSync(work, { recursive: true })
  }
}

function rowsOf(model, crashing, { without, beside }) {
  const row = (what, key, limit, holds) => {
    // Of each pair of turns, so that what the machine does meanwhile falls out.
    const ratio = median(beside.map((one, at) => one[key] / without[at][key]))
    const [ours, other] = [beside, without].map((all) => median(all.map((one) => one[key])))
    const title = `${model} beside one that ${crashing.replaceAll('-', ' ')}: ${what}`
    return { what: title, ours, other, ratio: ratio.toFixed(2), limit, ok: holds(ratio) }
  }
  const { p50Ratio, throughputRatio } = LIMITS
  return [
    row('p50 at 1 connection, µs', 'p50Us', `≤ ${p50Ratio}`, (ratio) => ratio <= p50Ratio),
    row('requests a second at 16', 'perSecond', `≥ ${throughputRatio}`, (ratio) => ratio >= throughputRatio),
  ]
}

async function inTurns(server, { crashing, rounds, load }) {
  const samples = Object.fromEntries(SERVING.map((name) => [name, { without: [], beside: [] }]))
  for (let round = 0; round <= rounds; round++) {
    for (const turn of ['without', 'beside']) {
      const stop = turn === 'beside' ? await crash(server, crashing) : () => undefined
      try {
        for (const model of SERVING) {
          const sample = await measureModel(server, { model, load })
          if (round > 0) samples[model][turn].push(sample) // round 0 warms up
        }
      } finally {
        await stop()
      }
    }
  }
  return samples
}

/** Registers the third model, and asks it for its next crash as long as it is there. */
async function crash({ addresses, urlOf, store }, model) {
  const { management } = addresses
  const url = encodeURIComponent(join(store, model))
  const query = `url=${url}&initial_workers=1&synchronous=false`
  await fetch(`${management}/models?${query}`, { method: 'POST' })
  let going = true
  const client = (async () => {
    while (going && model === 'dies-at-requests') {
      const answer = await fetch(urlOf(model), { method: 'POST', body: 'x' })
      await answer.arrayBuffer()
    }
  })()
  return async () => {
    going = false
    await client
    await fetch(`${management}/models/${model}`, { method: 'DELETE' })
  }
}

async function measureModel(server, { model, load }) {
  const asked = { ...server, name: model, url: server.urlOf(model) }
  const alone = await measure(asked, { ...load, connections: 1 })
  const crowd = await measure(asked, { ...load, connections: 16 })
  return { p50Us: alone.p50Ms * 1000, perSecond: crowd.requestsPerSecond }
}

async function start(store) {
  const served = [
    emptyModel(store, { name: 'python', handler: python(OK) }),
    emptyModel(store, { name: 'typescript' }),
  ]
  for (const [name, source] of Object.entries(CRASHING)) emptyModel(store, { name, handler: python(source) })
  const flags = ['--model-store', store, '--log-level', 'error']
  return { ...(await startMarina(served, { flags, stderr: 'ignore' })), store }
}

await runDirectly(import.meta.url, run)
