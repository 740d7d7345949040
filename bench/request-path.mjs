/* global AbortController, setImmediate */
/**
 * What the request path costs without transports and processes: resolve, job, dispatcher, settle, over a worker in
 * memory that answers at once.
 */
import { importBundled } from '../scripts/bundled.mjs'
import { runDirectly } from './table.mjs'

const { createInfer, createKeySource, createRegistry, JobQueue, noMetrics } = await importBundled(
  'bench/request-path-parts.ts',
)

const clock = { nowMs: () => performance.now(), wakeIn: () => () => undefined }
const timing = { preprocessUs: 1, inferenceUs: 1, postprocessUs: 1, batch: 1 }
const outcome = { kind: 'ok', status: 200, headers: {}, body: { kind: 'inline', data: new Uint8Array(8) } }

/** A version whose workers form batches as real ones do: the next one starts when the last is answered. */
function version({ workers, batchSize }) {
  const options = {
    batchSize,
    queueSize: 1e6,
    maxJobs: Infinity,
    jobTickets: false,
    fixedBatches: false,
    maxBatchDelayMs: 100,
    responseTimeoutMs: 120_000,
    replayJobs: true,
  }
  const queue = new JobQueue(options, clock)
  for (let id = 1; id <= workers; id++) {
    const waiting = []
    let busy = false
    const run = (keys) => {
      busy = true
      setImmediate(() => {
        for (const key of keys) queue.receive(id, { kind: 'result', key, outcome, timing })
        busy = false
        const next = waiting.splice(0, batchSize)
        if (next.length === 0) return
        queue.receive(id, { kind: 'started', keys: next })
        run(next)
      })
    }
    const send = (message) => {
      if (message.kind === 'cancel') {
        const keys = message.keys.filter((key) => waiting.includes(key))
        for (const key of keys) waiting.splice(waiting.indexOf(key), 1)
        if (keys.length > 0) setImmediate(() => queue.receive(id, { kind: 'cancelled', keys }))
        return
      }
      const keys = message.jobs.map((job) => job.key)
      if (message.start) return run(keys)
      waiting.push(...keys)
      if (!busy) {
        const next = waiting.splice(0, batchSize)
        queue.receive(id, { kind: 'started', keys: next })
        run(next)
      }
    }
    queue.join(id, { port: { send, kill: () => undefined }, credit: 2 * batchSize })
  }
  return {
    version: '1.0',
    clientTimeoutMs: Infinity,
    accept: (job) => queue.accept(job),
    giveUp: () => undefined,
  }
}

async function measure({ workers, batchSize, concurrency, requests }) {
  const registry = createRegistry()
  registry.add({ model: 'm', version: '1.0', generation: 1 }, version({ workers, batchSize }))
  const infer = createInfer({ registry, clock, metrics: noMetrics, nextKey: createKeySource() })
  // One signal for each client: making one costs 3 to 5 µs with its share of garbage collection, which is the transport's.
  const signals = Array.from({ length: concurrency }, () => new AbortController().signal)
  const request = (signal) => ({
    id: 'r',
    model: 'm',
    version: undefined,
    operation: 'predict',
    headers: {},
    input: { kind: 'parts', parts: [] },
    signal,
    receivedMs: clock.nowMs(),
  })
  const path = await cost({ signals, requests }, async (signal) => {
    const { outcome: ended } = await infer(request(signal))
    if (ended.kind !== 'ok') throw new Error(`a request ended as ${ended.kind}`)
  })
  // What clients and workers cost without it: a request object, a turn of the event loop, a promise.
  const bare = await cost({ signals, requests }, (signal) => {
    const held = request(signal)
    return new Promise((resolve) => setImmediate(() => resolve(held)))
  })
  return path - bare
}

/** CPU time of one call in microseconds, with as many calls at once as there are signals. */
async function cost({ signals, requests }, call) {
  const client = async (signal, count) => {
    for (let i = 0; i < count; i++) await call(signal)
  }
  const round = (count) => Promise.all(signals.map((signal) => client(signal, count / signals.length)))
  await round(20_000)
  const before = process.cpuUsage()
  await round(requests)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

const shapes = [
  [1, 1, 1],
  [1, 1, 64],
  [2, 1, 3],
  [2, 1, 64],
  [2, 8, 64],
  [8, 8, 512],
]

/** The bench `request-path`. */
export default async function run({ quick }) {
  const requests = quick ? 40_000 : 200_000
  const rows = []
  for (const [workers, batchSize, concurrency] of shapes) {
    const us = await measure({ workers, batchSize, concurrency, requests })
    const what = `${workers} workers, batches of ${batchSize}, ${concurrency} at once`
    rows.push({ what, ours: `${us.toFixed(2)} µs` })
  }
  return { title: 'CPU time of a request between transport and worker', rows, notes: [] }
}

await runDirectly(import.meta.url, run)
