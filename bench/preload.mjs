// Four workers of the tutorial's archive, forked from a preloaded parent and as processes of their own: memory as proportional
// set size (the parent counts), and the time until the fourth is ready. Needs Debian's torch and faiss, and a built dist/.
import { readFileSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PYTHON } from './peer-servers.mjs'
import { pythonFactory, startPythonWorker } from './python-side.mjs'
import { median, runDirectly } from './table.mjs'
import { digitFiles, tutorialArchive, unpack } from './tutorial-archive.mjs'

const WORKERS = 4
const LIMITS = { memory: 0.6, time: 0.2 }

/** Proportional set size of processes in MB: what is shared counts for each by its share. */
const pssMb = (pids) =>
  pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)[1]) / 1024
  }, 0)

const parentOf = (pid) => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

/** Starts a worker, and asks it once, since what the first answer needs belongs to it; `seconds` until it was ready. */
async function start(factory, { modelDir, preload, body }) {
  const begun = performance.now()
  const load = { model: 'embedding', retryItems: true }
  const worker = await startPythonWorker(modelDir, { load, preload, factory })
  const seconds = (performance.now() - begun) / 1000
  await worker.ask({ body: { kind: 'inline', data: body } })
  return { ...worker, seconds }
}

async function four({ modelDir, preload, body }) {
  const factory = pythonFactory(PYTHON)
  const workers = []
  for (let n = 0; n < WORKERS; n++) workers.push(await start(factory, { modelDir, preload, body }))
  const pids = workers.map(({ pid }) => pid)
  const megabytes = pssMb(preload ? [...pids, parentOf(pids[0])] : pids)
  for (const { stop } of workers) stop()
  return { megabytes, seconds: workers.at(-1).seconds }
}

/** The bench `preload`. */
export default async function run({ quick }) {
  const work = mkdtempSync(join(tmpdir(), 'bench-preload-'))
  try {
    const store = join(work, 'store')
    mkdirSync(store)
    const modelDir = unpack(tutorialArchive(store), join(work, 'model'))
    const body = readFileSync(digitFiles()[0])
    const samples = { forked: [], alone: [] }
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      samples.forked.push(await four({ modelDir, preload: true, body }))
      samples.alone.push(await four({ modelDir, preload: false, body }))
    }
    const of = (kind, figure) => median(samples[kind].map((sample) => sample[figure]))
    const row = (what, figure, limit) => {
      const [ours, other] = [of('forked', figure), of('alone', figure)]
      return { what, ours, other, ratio: ours / other, limit: `≤ ${limit}`, ok: ours / other <= limit }
    }
    return {
      title: 'Workers of a preloaded parent, against workers of their own',
      rows: [
        row('four workers, MB of proportional set size, with the parent', 'megabytes', LIMITS.memory),
        row('the fourth worker, seconds until it is ready', 'seconds', LIMITS.time),
      ],
      notes: [
        `The tutorial's archive; each worker has answered once. Medians of ${samples.alone.length} rounds.`,
      ],
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

await runDirectly(import.meta.url, run)
