// What a body costs on its way to a Python worker: over the socket, as a part of the frame, against a file in shared memory that
// the server writes and the worker reads. CPU µs a request of both sides, by size. Needs Linux (/dev/shm).
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPythonWorker } from './python-side.mjs'
import { median, runDirectly } from './table.mjs'
import { cpuUs } from './wrk.mjs'

const SIZES = [65_536, 262_144, 1_048_576, 4_194_304]
/** Bytes that are sent in one measurement. */
const VOLUME = 400e6

function startWorker(work) {
  const modelDir = join(work, 'model')
  mkdirSync(modelDir)
  const source = 'def handle(data, context):\n    return data and [str(len(row["body"])) for row in data]\n'
  writeFileSync(join(modelDir, 'handler.py'), source)
  return startPythonWorker(modelDir, { load: { model: 'length' } })
}

/** Writes the body into shared memory, and says where it lies; one file is used again and again. */
function sharedMemory() {
  const file = join(mkdtempSync('/dev/shm/bench-bodies-'), 'body')
  const descriptor = openSync(file, 'w')
  return {
    bodyOf: (data) => {
      writeSync(descriptor, data, 0, data.length, 0)
      return { kind: 'file', file, offset: 0, bytes: data.length }
    },
    close: () => {
      closeSync(descriptor)
      rmSync(join(file, '..'), { recursive: true })
    },
  }
}

async function measure({ pid, ask }, bodyOf, data) {
  const count = Math.ceil(VOLUME / data.length)
  for (let n = 0; n < count / 10; n++) await ask({ body: bodyOf(data) })
  const [worker, server] = [cpuUs(pid), process.cpuUsage()]
  for (let n = 0; n < count; n++) await ask({ body: bodyOf(data) })
  const { user, system } = process.cpuUsage(server)
  return { worker: (cpuUs(pid) - worker) / count, server: (user + system) / count }
}

/** The bench `bodies`. */
export default async function run({ quick }) {
  const work = mkdtempSync(join(tmpdir(), 'bench-bodies-'))
  const worker = await startWorker(work)
  const shared = sharedMemory()
  const inline = (data) => ({ kind: 'inline', data })
  const rows = []
  try {
    for (const size of SIZES) {
      const data = Buffer.alloc(size, 'x')
      const samples = { inline: [], shared: [] }
      for (let round = 0; round < (quick ? 2 : 5); round++) {
        samples.inline.push(await measure(worker, inline, data))
        samples.shared.push(await measure(worker, shared.bodyOf, data))
      }
      for (const side of ['server', 'worker', 'both']) {
        const of = (kind) =>
          median(samples[kind].map((used) => (side === 'both' ? used.server + used.worker : used[side])))
        const [ours, other] = [of('inline'), of('shared')]
        rows.push({
          what: `${size / 1024} KiB, CPU µs of ${side}: socket; shared memory`,
          ours,
          other,
          ratio: ours / other,
        })
      }
    }
  } finally {
    worker.stop()
    shared.close()
    rmSync(work, { recursive: true })
  }
  return {
    title: 'Bodies on their way to a Python worker',
    rows,
    notes: ['“Marina” is the socket, as it is now.'],
  }
}

await runDirectly(import.meta.url, run)
