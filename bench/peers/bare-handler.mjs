// The handler of examples/mnist without a server: what is left is the limit of the server around it.
// `node bare-handler.mjs MODEL_DIR THREADS BATCH SECONDS BODY…` calls it in a loop on the pictures and prints
// {"itemsPerSecond", "p50Ms", "cpuUs"}; `cpuUs` is that of one item.
/* global AbortController */
import { readFileSync } from 'node:fs'
import { importBundled } from '../../scripts/bundled.mjs'

const [modelDir, threads, batch, seconds, ...files] = process.argv.slice(2)
const { default: handler } = await importBundled('examples/mnist/handler.ts')
const state = await handler.initialize({ modelDir, threads: Number(threads), device: 'cpu' })
const bodies = files.map((file) => readFileSync(file))
await loop(0.5)
console.log(JSON.stringify(await loop(Number(seconds))))
await handler.dispose(state)

function jobOf(data) {
  const part = { name: 'body', contentType: 'application/octet-stream', data }
  const input = { kind: 'parts', parts: [part] }
  return { id: '', input, headers: {}, operation: 'predict', signal: new AbortController().signal }
}

async function loop(lasting) {
  const times = []
  const begun = performance.now()
  const cpu = process.cpuUsage()
  for (let at = 0; performance.now() - begun < 1000 * lasting; at += Number(batch)) {
    const jobs = Array.from({ length: Number(batch) }, (_, n) => jobOf(bodies[(at + n) % bodies.length]))
    const called = performance.now()
    const digits = await handler.preprocess(jobs, state)
    const answers = await handler.postprocess(await handler.inference(digits, state, jobs), state, jobs)
    JSON.stringify(answers)
    times.push(performance.now() - called)
  }
  const { user, system } = process.cpuUsage(cpu)
  const items = Number(batch) * times.length
  const itemsPerSecond = (1000 * items) / (performance.now() - begun)
  return {
    itemsPerSecond,
    p50Ms: times.sort((a, b) => a - b)[times.length >> 1],
    cpuUs: (user + system) / items,
  }
}
