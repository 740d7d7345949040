// How long `marina serve` takes from its start to its first answer: with the archive of the example's pipeline (when there
// is none, the pipeline makes it; profile quick, about 20 s), and with a Python one without torch. Needs a built dist/.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packHandler } from './packing.mjs'
import { median, runDirectly } from './table.mjs'

const example = fileURLToPath(new URL('../examples/mnist/', import.meta.url))
const marina = fileURLToPath(new URL('../bin/marina.js', import.meta.url))

/** The newest of the plain pipeline's archives, else of the quick one's. */
function newestArchive() {
  for (const store of [join(example, 'model_store'), join(example, 'model_store/quick')]) {
    const names = existsSync(store) ? readdirSync(store) : []
    const newest = names
      .filter((name) => /^embedding-.*\.mar$/.test(name))
      .sort()
      .at(-1)
    if (newest !== undefined) return join(store, newest)
  }
  return undefined
}

function archive() {
  const found = newestArchive()
  if (found !== undefined) return found
  const words = [marina, 'pipeline', 'run', 'archive', '--dir', example, '--profile', 'quick']
  execFileSync(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  return newestArchive()
}

const PYTHON_SOURCE = 'def handle(data, context):\n    return data and [{"pred": 7} for _ in data]\n'

/** Seconds from the spawn to the first answer. */
async function once({ file, model, picture, port }) {
  const started = performance.now()
  const ports = ['--inference-port', port, '--management-port', port + 1, '--metrics-port', port + 2].map(
    String,
  )
  const words = [marina, 'serve', file, ...ports, '--json', '--log-level', 'error']
  const server = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  let over = false
  void ended.then(() => (over = true))
  try {
    for (;;) {
      if (over) throw new Error('the server ended before it answered')
      const response = await fetch(`http://127.0.0.1:${port}/predictions/${model}`, {
        method: 'POST',
        body: picture,
      }).catch(() => undefined)
      if (response?.ok && 'pred' in (await response.json())) return (performance.now() - started) / 1000
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  } finally {
    server.kill('SIGTERM')
    await ended
  }
}

/** The bench `first-answer`. */
export default async function run({ quick }) {
  const work = mkdtempSync(join(tmpdir(), 'bench-first-answer-'))
  const picture = readFileSync(join(example, 'samples/7.png'))
  const python = packHandler(work, { name: 'python', source: PYTHON_SOURCE })
  const archives = [
    { model: 'embedding', what: 'the example, ONNX and index', file: archive(), limitS: 0.6 },
    { model: 'python', what: 'a Python handler without torch', file: python, limitS: 0.8 },
  ]
  const seconds = new Map(archives.map(({ model }) => [model, []]))
  // The first start unpacks the archive into the cache, as every first start does; it is counted with the others.
  for (let round = 0; round < (quick ? 3 : 9); round++) {
    for (const [at, { file, model }] of archives.entries()) {
      const port = 18_480 + 6 * round + 3 * at
      seconds.get(model).push(await once({ file, model, picture, port }))
    }
  }
  rmSync(work, { recursive: true })
  const rows = archives.map(({ model, what, limitS }) => {
    const middle = median(seconds.get(model))
    const ours = `${middle.toFixed(2)} s`
    return { what: `start to first answer: ${what}`, ours, limit: `≤ ${limitS} s`, ok: middle <= limitS }
  })
  const times = (model) => seconds.get(model).map((s) => s.toFixed(2))
  const notes = archives.map(({ model }) => `Starts with ${model}: ${times(model).join(', ')} s.`)
  return { title: 'Start', rows, notes }
}

await runDirectly(import.meta.url, run)
