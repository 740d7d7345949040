/**
 * Exact search against PyPI's newest faiss-cpu: same vectors, same queries, same number of threads, in alternating rounds of
 * one run. `--threads N` (default: 1, then all cores), `--rounds N`, `--count N` (vectors; default 10,000, then 60,000).
 *
 *     npm run build && node bench/vector.mjs
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildIndex, openIndex, saveIndex } from '../dist/vector/index.js'
import { startPython } from './python-child.mjs'
import { median, print } from './table.mjs'

const [dimension, k, queryCount] = [128, 10, 1000]
/** At most this much slower than faiss, in every cell. */
const LIMIT = 1.2
/** Long enough that the clock does not matter, short enough that a disturbance hits one round only. */
const ROUND_MS = 150

/** A virtual environment with faiss-cpu, made once, outside the repository. */
function pythonWithFaiss() {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'marina-bench', 'faiss')
  const python = join(folder, 'bin', 'python')
  if (!existsSync(python)) {
    console.error(`installing faiss-cpu into ${folder}`)
    mkdirSync(dirname(folder), { recursive: true })
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  }
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--upgrade',
    'faiss-cpu',
    'numpy',
  ]
  execFileSync(python, pip, { stdio: 'inherit' })
  return python
}

/** Unit vectors in random directions, as embeddings are; repeatable. */
function unitVectors(count, seed) {
  let state = seed
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const gauss = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const values = new Float32Array(count * dimension)
  for (let start = 0; start < values.length; start += dimension) {
    const vector = Array.from({ length: dimension }, gauss)
    const length = Math.hypot(...vector)
    values.set(
      vector.map((x) => x / length),
      start,
    )
  }
  return values
}

async function searchMarina(index, { queries, batch, calls }) {
  const batches = queryCount / batch
  const [started, cpu] = [performance.now(), process.cpuUsage()]
  for (let call = 0; call < calls; call++) {
    const first = (call % batches) * batch * dimension
    await index.search(queries.subarray(first, first + batch * dimension), k)
  }
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** Median µs a query of both, and the medians of the ratios of neighbouring rounds, by the clock and by processor time. */
async function measureCell({ index, faiss, queries, batch, rounds }) {
  const sides = {
    ours: (calls) => searchMarina(index, { queries, batch, calls }),
    other: (calls) => faiss.ask({ batch, calls, k }),
  }
  const calls = {}
  for (const [side, search] of Object.entries(sides)) {
    await search(3)
    calls[side] = Math.max(3, Math.round((5 * ROUND_MS) / 1000 / (await search(5)).seconds))
  }
  const found = []
  for (let round = 0; round < rounds; round++) {
    const row = {}
    for (const side of round % 2 ? ['other', 'ours'] : ['ours', 'other']) {
      const { seconds, cpuSeconds } = await sides[side](calls[side])
      const micros = 1e6 / calls[side] / batch
      row[side] = { clock: seconds * micros, cpu: cpuSeconds * micros }
    }
    found.push(row)
  }
  const ratio = (of) => median(found.map(({ ours, other }) => ours[of] / other[of]))
  return {
    ours: median(found.map(({ ours }) => ours.clock)),
    other: median(found.map(({ other }) => other.clock)),
    ratio: ratio('clock'),
    cpuRatio: ratio('cpu'),
  }
}

/** Share of the neighbours that both name; below 1 only where faiss's single precision orders near-ties otherwise. */
async function agreement(index, { faiss, queries }) {
  const { ids } = await faiss.ask({ answers: k })
  const found = await index.search(queries, k)
  const same = found.map((row, i) => row.filter(({ id }) => ids[i].includes(Number(id))).length)
  return same.reduce((a, b) => a + b, 0) / (queryCount * k)
}

/** The cells of one index, opened by both sides with `threads` threads. */
async function measureIndex({ file, faiss, queryFile, queries, shape, threads, rounds }) {
  await faiss.ask({ open: file, queries: queryFile, threads })
  const index = await openIndex(file, { threads })
  const sameNeighbours = await agreement(index, { faiss, queries })
  const rows = []
  const cpuRatios = []
  for (const batch of [1, 100]) {
    const { cpuRatio, ...times } = await measureCell({ index, faiss, queries, batch, rounds })
    const { count, metric } = shape
    const what = `µs a query, ${count} × ${dimension} ${metric}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`
    rows.push({ what, ...times, limit: LIMIT, ok: times.ratio <= LIMIT })
    cpuRatios.push(cpuRatio.toFixed(2))
  }
  await index.close()
  return { rows, cpuRatios, sameNeighbours }
}

/**
 * Microseconds a query of both, for L2 (and inner product unless `quick`).
 * @returns rows whose `ratio` is ours divided by faiss's; `ok` says that it is within `limit`
 */
export default async function run({ quick = false, threads, rounds = quick ? 3 : 7, counts } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'marina-bench-vector-'))
  const python = pythonWithFaiss()
  const faiss = startPython(python, 'vector-faiss.py')
  const rows = []
  const cpuRatios = []
  let leastAgreement = 1
  try {
    const queries = unitVectors(queryCount, 2)
    const queryFile = join(folder, 'queries.f32')
    writeFileSync(queryFile, queries)
    for (const count of counts ?? [10_000, 60_000]) {
      const vectors = unitVectors(count, 1)
      for (const metric of quick ? ['l2'] : ['l2', 'ip']) {
        const file = join(folder, `${metric}-${count}.faiss`)
        const built = await buildIndex({ metric, vectors, dimension }, { threads: 1 })
        await saveIndex(built, file)
        await built.close()
        for (const threadCount of threads ?? [...new Set([1, availableParallelism()])]) {
          const shape = { count, metric }
          const found = await measureIndex({
            file,
            faiss,
            queryFile,
            queries,
            shape,
            threads: threadCount,
            rounds,
          })
          rows.push(...found.rows)
          cpuRatios.push(...found.cpuRatios)
          leastAgreement = Math.min(leastAgreement, found.sameNeighbours)
        }
      }
    }
  } finally {
    faiss.stop()
    rmSync(folder, { recursive: true })
  }
  const ahead = rows.filter(({ ratio }) => ratio < 1).length
  const version = execFileSync(python, ['-c', 'import faiss; print(faiss.__version__)'], { encoding: 'utf8' })
  const notes = [
    `faiss-cpu ${version.trim()}, ${cpus()[0]?.model}, k = ${k}, medians of ${rounds} rounds`,
    `ratios of processor time, in the order of the rows: ${cpuRatios.join(', ')}`,
    `ahead in ${ahead} of ${rows.length} cells; both name the same neighbours in ${(100 * leastAgreement).toFixed(2)} % or more`,
  ]

  return { title: 'Exact search against faiss', rows, notes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      count: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
    },
  })
  const rounds = values.rounds && { rounds: Number(values.rounds) }
  const counts = values.count?.map(Number)
  print(await run({ quick: values.quick, threads: values.threads?.map(Number), counts, ...rounds }))
}
