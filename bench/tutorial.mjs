// The tutorial's archive (TorchScript, faiss, PNG in) on Marina, TorchServe 0.12.0 and LitServe, in turn in one run, against a
// bare Python loop around the same handler; the example's TypeScript archive against a bare loop of its own; and pictures of
// 1 MB through a handler that only measures them. Needs wrk, JDK 17, Debian's torch and faiss, and a built dist/. The models
// are the example's: its two pipelines make them when they are not there (about two minutes).
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packHandler } from './packing.mjs'
import { litServeBody, PYTHON, startLitServe, startMarina, startTorchServe } from './peer-servers.mjs'
import { stopAll } from './started.mjs'
import { runDirectly } from './table.mjs'
import { digitFiles, tutorialArchive, typeScriptArchive, unpack } from './tutorial-archive.mjs'
import { checkWrk, measureAll, wrkScript } from './wrk.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const LARGE = 1_000_000
/** The worker's own threads: those of the plan for one Python worker. */
const PYTHON_THREADS = Number(process.env.OMP_NUM_THREADS ?? Math.max(1, availableParallelism() - 1))

function lengthArchive(store) {
  const rows = '[str(len(row.get("data") or row.get("body"))) for row in data]'
  const source = `def handle(data, context):\n    return data and ${rows}\n`
  return packHandler(store, { name: 'length', source })
}

/** A loop around a handler, in a process of its own in each round. */
function bareLoop(name, { command, words }) {
  const env = { ...process.env, MARINA_TS: here('../python') }
  const measure = async () => {
    const { stdout } = await promisify(execFile)(command, words, { env })
    const { itemsPerSecond, p50Ms, cpuUs } = JSON.parse(stdout)
    return { requestsPerSecond: itemsPerSecond, p50Ms, p99Ms: 0, serverCpuUs: 0, workerCpuUs: cpuUs }
  }
  return { name, pids: [], loads: [{ name: 'loop' }], measure }
}

function loops({ pictures, folders, seconds }) {
  const python = (batch) =>
    bareLoop(`loop, batch ${batch}`, {
      command: PYTHON,
      words: [here('peers/bare_handler.py'), folders.python, PYTHON_THREADS, batch, seconds, ...pictures].map(
        String,
      ),
    })
  const node = (batch) => {
    const words = [
      here('peers/bare-handler.mjs'),
      folders.node,
      availableParallelism(),
      batch,
      seconds,
      ...pictures,
    ]
    return bareLoop(`TypeScript loop, batch ${batch}`, {
      command: process.execPath,
      words: words.map(String),
    })
  }
  return [python(1), python(16), node(1), node(16)]
}

async function startAll({ work, store, folders, archives, body }) {
  const large = Buffer.alloc(LARGE, 'x')
  const servers = []
  for (const batch of [1, 16]) {
    const of = (name) => `${name}, batch ${batch}`
    const models = { work, store, modelName: 'embedding', batch, body }
    servers.push(await startMarina(of('Marina'), { ...models, model: archives.python }))
    servers.push(await startTorchServe(of('TorchServe'), models))
    servers.push(
      await startLitServe(of('LitServe'), { batch, model: folders.python, threads: PYTHON_THREADS, body }),
    )
    servers.push(await startMarina(of('TypeScript'), { ...models, model: archives.node }))
  }
  const models = { work, store, modelName: 'length', body: large }
  const loads = [{ name: 'large', connections: 8 }]
  servers.push({ ...(await startMarina('Marina, 1 MB', { ...models, model: archives.length })), loads })
  servers.push({ ...(await startTorchServe('TorchServe, 1 MB', models)), loads })
  return servers
}

function rowsOf(of) {
  const rate = (name, load = 'loop') => of(load, name, 'requestsPerSecond')
  const least = (what, [ours, other], limit) => ({
    ...{ what, ours, other, ratio: ours / other },
    ...{ limit: `≥ ${limit}`, ok: ours / other >= limit },
  })
  const rows = []
  for (const batch of [1, 16]) {
    for (const load of ['10', '64']) {
      const ours = rate(`Marina, batch ${batch}`, load)
      const what = `tutorial, batch ${batch}, ${load} connections, requests a second: Marina;`
      rows.push(least(`${what} bare loop`, [ours, rate(`loop, batch ${batch}`)], 0.9))
      rows.push(least(`${what} TorchServe`, [ours, rate(`TorchServe, batch ${batch}`, load)], 1.25))
    }
  }
  const [p50, loop] = [of('1', 'Marina, batch 1', 'p50Ms'), of('loop', 'loop, batch 1', 'p50Ms')]
  const added = `${p50 >= loop ? '+' : ''}${(p50 - loop).toFixed(2)} ms`
  rows.push({
    what: 'tutorial, p50 in ms at 1 connection: Marina; bare loop',
    ...{ ours: p50, other: loop, ratio: added, limit: '≤ +0.3 ms', ok: p50 - loop <= 0.3 },
  })
  for (const batch of [1, 16]) {
    const ours = rate(`TypeScript, batch ${batch}`, '64')
    const what = `TypeScript archive, batch ${batch}, 64 connections, requests a second; `
    rows.push(least(`${what}TorchServe`, [ours, rate(`TorchServe, batch ${batch}`, '64')], 12))
    rows.push(least(`${what}its bare loop`, [ours, rate(`TypeScript loop, batch ${batch}`)], 0.8))
  }
  const large = ['Marina', 'TorchServe'].map((name) => (rate(`${name}, 1 MB`, 'large') * LARGE) / 1e6)
  rows.push(least('pictures of 1 MB, 8 connections, MB a second: Marina; TorchServe', large, 3))
  return rows
}

function figuresOf(of, servers) {
  const cell = (load, name) =>
    `${Math.round(of(load, name, 'requestsPerSecond'))} · ${of(load, name, 'p50Ms').toFixed(2)}`
  const cpu = (load, name) =>
    ['serverCpuUs', 'workerCpuUs'].map((figure) => of(load, name, figure).toFixed(0)).join(' + ')
  const line = ({ name, loads }) => {
    const only = loads?.[0]?.name
    const cells = only ? ['', cell(only, name), ''] : ['1', '10', '64'].map((load) => cell(load, name))
    return `| ${[name, ...cells, cpu(only ?? '64', name)].join(' | ')} |`
  }
  return [
    '| requests/s · p50 ms | 1 connection | 10 (or all there is) | 64 | CPU µs of server + others a request |',
    '| --- | --- | --- | --- | --- |',
    ...servers.map(line),
  ]
}

/** The bench `tutorial`. */
export default async function run({ quick }) {
  checkWrk()
  const work = mkdtempSync(join(tmpdir(), 'bench-tutorial-'))
  const seconds = quick ? 1 : 3
  const rounds = quick ? 1 : 5
  const store = join(work, 'store')
  mkdirSync(store)
  const archives = {
    python: tutorialArchive(store),
    node: typeScriptArchive(quick),
    length: lengthArchive(store),
  }
  const folders = {
    python: unpack(archives.python, join(work, 'python')),
    node: unpack(archives.node, join(work, 'node')),
  }
  const pictures = digitFiles()
  const bodies = pictures.map((file) => readFileSync(file))
  try {
    const started = await startAll({ work, store, folders, archives, body: bodies[0] })
    const servers = [...loops({ pictures, folders, seconds }), ...started]
    const json = { name: 'json', bodies: bodies.map(litServeBody), type: 'application/json' }
    const scripts = {
      LitServe: wrkScript(work, json),
      large: wrkScript(work, { name: 'large', bodies: [Buffer.alloc(LARGE, 'x')] }),
      plain: wrkScript(work, { name: 'plain', bodies }),
    }
    const scriptOf = (name) =>
      name.endsWith('1 MB') ? scripts.large : name.startsWith('LitServe') ? scripts.LitServe : scripts.plain
    const loads = [1, 10, 64].map((connections) => ({ name: String(connections), connections }))
    for (const server of servers) server.loads = (server.loads ?? loads).map((load) => ({ ...load, seconds }))
    const of = await measureAll(servers, [], { rounds, scriptOf })
    const threads = `Python handlers have ${PYTHON_THREADS} thread(s), TypeScript's ${availableParallelism()}.`
    const notes = [
      ...figuresOf(
        of,
        servers.map((server) => ({ ...server, loads: server.loads.length === 1 ? server.loads : undefined })),
      ),
      '',
      threads,
    ]
    notes.push(`Medians of ${rounds} rounds of ${seconds} s each, all in turn, those that wait stopped.`)
    return { title: "The tutorial's archive", rows: rowsOf(of), notes }
  } finally {
    await stopAll()
    rmSync(work, { recursive: true, force: true })
  }
}

await runDirectly(import.meta.url, run)
