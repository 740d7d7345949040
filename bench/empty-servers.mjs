/** The echo (bench/echo.mjs), and `marina serve` with a TypeScript handler that does nothing, each on a free port. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepWorkers, spawnServer } from './started.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

const EMPTY = {
  file: 'handler.js',
  source: 'export default { postprocess: (jobs) => jobs.map(() => "ok") }\n',
}

/** A model's folder; `config` is its model-config.yaml, `handler` its one file, in TypeScript's language or in Python. */
export function emptyModel(work, { name = 'empty', config = '', handler = EMPTY } = {}) {
  const folder = join(work, name)
  mkdirSync(join(folder, 'MAR-INF'), { recursive: true })
  writeFileSync(join(folder, handler.file), handler.source)
  writeFileSync(join(folder, 'model-config.yaml'), config)
  const model = {
    modelName: name,
    handler: handler.file,
    modelVersion: '1.0',
    configFile: 'model-config.yaml',
  }
  const runtime = handler.file.endsWith('.py') ? 'python' : 'node'
  writeFileSync(join(folder, 'MAR-INF/MANIFEST.json'), JSON.stringify({ runtime, model }))
  return folder
}

/** Starts a program that prints one line of JSON when it answers. */
function start(args, stderr = 'inherit') {
  const child = spawnServer(process.execPath, args, { stdio: ['ignore', 'pipe', stderr] })
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} exited with ${code}`)))
    child.stdout.on('data', (piece) => {
      text += piece
      if (text.includes('\n')) resolve({ child, ready: JSON.parse(text.slice(0, text.indexOf('\n'))) })
    })
  })
}

/** `{ name, child, url, pids }`: the server's process first, then its workers. */
export async function startEcho() {
  const { child, ready } = await start([here('echo.mjs')])
  const pids = [ready.pid, ...ready.workers]
  keepWorkers(child, pids)
  return { name: 'echo', child, url: `http://127.0.0.1:${ready.port}/`, pids }
}

/** As {@link startEcho}, with `addresses` and `urlOf(model)` beside; `url` is the first model's, `flags` more of its own,
 * `stderr` where its log goes. */
export async function startMarina(models, { flags = [], stderr } = {}) {
  const ports = ['inference', 'management', 'metrics'].flatMap((role) => [`--${role}-port`, '0'])
  const quiet = ['--json', '--log-level', 'warn']
  const args = [here('../bin/marina.js'), 'serve', ...models, ...ports, ...quiet, ...flags]
  const { child, ready } = await start(args, stderr)
  const { addresses } = ready
  const workers = await Promise.all(
    ready.models.map(async ({ name }) => {
      const [described] = await (await fetch(`${addresses.management}/models/${name}`)).json()
      return described.workers.map(({ pid }) => pid)
    }),
  )
  const urlOf = (model) => `${addresses.inference}/predictions/${model}`
  const pids = [ready.pid, ...workers.flat()]
  keepWorkers(child, pids)
  return { name: 'marina', child, addresses, urlOf, url: urlOf(ready.models[0]?.name), pids }
}
