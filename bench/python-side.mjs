/** A Python worker behind Marina's own side of the protocol, without a server. */
import { importBundled } from '../scripts/bundled.mjs'

const { createWorkerFactory } = await importBundled('src/worker/process.ts')
const { pythonWorkerCommand } = await importBundled('src/worker/python-command.ts')

const LOAD = {
  model: 'empty',
  version: '1.0',
  handler: 'handler.py',
  batchSize: 1,
  threads: 1,
  device: 'cpu',
  retryItems: false,
}

/** What starts workers; those that are forked from one preloaded parent come from one factory. */
export function pythonFactory(executable = 'python3') {
  const options = { executable, environment: process.env, decodeInput: true, allowPickles: true }
  return createWorkerFactory({ commandOf: (spec) => pythonWorkerCommand(spec, options) })
}

/**
 * Resolves with `{ pid, ask, stop }` when the handler is loaded; rejects when it cannot be, or the worker ends before.
 * `load` differs from that of an empty handler.py. `ask(part, job)` resolves with the outcome, and rejects when the worker ends.
 */
export function startPythonWorker(modelDir, { load, preload = false, factory = pythonFactory() } = {}) {
  return new Promise((resolve, reject) => {
    const waiting = new Map()
    let [pid, lastKey] = [0, 0]
    const fail = (error) => {
      reject(error)
      for (const asked of waiting.values()) asked.reject(error)
    }
    const spec = { slot: 9000, runtime: 'python', preload, load: { ...LOAD, ...load, modelDir } }
    const worker = factory(spec, (event) => {
      if (event.kind === 'spawned') pid = event.pid
      if (event.kind === 'exited') fail(new Error([event.exit.message, ...event.exit.stderr].join('\n')))
      if (event.kind !== 'message') return
      const { message } = event
      if (message.kind === 'loaded') resolve({ pid, ask, stop: () => worker.kill() })
      if (message.kind === 'load-failed') {
        fail(new Error(message.trace ?? message.message))
        worker.kill()
      }
      if (message.kind !== 'result') return
      const asked = waiting.get(message.key)
      waiting.delete(message.key)
      asked.resolve(message.outcome)
    })
    const ask = (part, { id = '1', headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const key = ++lastKey
        waiting.set(key, { resolve, reject })
        const input = { kind: 'parts', parts: [{ name: 'body', ...part }] }
        const job = { key, id, operation: 'predict', headers, input }
        worker.send({ kind: 'jobs', start: waiting.size === 1, jobs: [job] })
      })
  })
}
