/** Marina and the servers that it is measured against, each started with a handler. `stopAll` ends them. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepWorkers, spawnServer, stop } from './started.mjs'
import { treeOf } from './wrk.mjs'

/** Debian's interpreter, which has torch and faiss. */
export const PYTHON = '/usr/bin/python3'
const VERSIONS = { torchserve: '0.12.0', litserve: '0.2.19', 'nvidia-pytriton': '0.7.0' }
const START_TIMEOUT_MS = 120_000
const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const marina = here('../bin/marina.js')

const cache = (...names) => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), ...names)
const pinned = (name) => `${name}==${VERSIONS[name]}`

/** A virtual environment over Debian's packages, made once, outside the repository. Returns its folder of commands. */
function environment(folder, packages) {
  const bin = join(folder, 'bin')
  const done = join(folder, 'installed')
  if (existsSync(done) || existsSync(join(bin, 'torchserve'))) return bin
  console.error(`installing ${packages.join(', ')} into ${folder}`)
  mkdirSync(folder, { recursive: true })
  const stdio = ['ignore', 'ignore', 'inherit']
  execFileSync(PYTHON, ['-m', 'venv', '--system-site-packages', folder], { stdio })
  execFileSync(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages], {
    stdio,
  })
  writeFileSync(done, `${packages.join('\n')}\n`)
  return bin
}

const torchserveBin = () =>
  environment(cache('marina-tests', `torchserve-${VERSIONS.torchserve}`), [
    pinned('torchserve'),
    `torch-model-archiver==${VERSIONS.torchserve}`,
  ])
const peersBin = () =>
  environment(cache('marina-bench', 'peers'), [
    ...['fastapi', 'uvicorn', pinned('litserve'), pinned('nvidia-pytriton')],
  ])

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts a command in a group of its own, and waits until `url` answers a body. */
async function start(name, { command, args, env = {}, cwd, url, body, type }) {
  const child = spawnServer(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (said = (said + text).slice(-5000)))
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(url, body, type))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop({ child })
      throw new Error(`${name} did not answer at ${url}:\n${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const pids = treeOf(child.pid)
  keepWorkers(child, pids)
  return { name, url, pids }
}

async function answers(url, body, type) {
  const headers = { 'content-type': type ?? 'application/octet-stream' }
  const response = await fetch(url, { method: 'POST', body, headers }).catch(() => undefined)
  await response?.arrayBuffer()
  return response?.ok ?? false
}

/** `marina serve` with an archive or a folder; `flags` more of its own. The first of its `pids` is the server. */
export async function startMarina(name, { model, modelName, batch = 1, flags = [], body }) {
  const port = await freePort()
  const ports = ['--inference-port', port, '--management-port', '0', '--metrics-port', '0']
  const batches = batch > 1 ? ['--batch-size', batch] : []
  const quiet = ['--log-level', 'warn', '--python', PYTHON]
  const args = [
    marina,
    'serve',
    `${modelName}=${model}`,
    '--workers',
    '1',
    ...ports,
    ...batches,
    ...quiet,
    ...flags,
  ]
  const url = `http://127.0.0.1:${port}/predictions/${modelName}`
  return start(name, { command: process.execPath, args: args.map(String), url, body })
}

/** TorchServe 0.12.0, quiet; batches wait 5 ms for their companions. `store` holds `<modelName>.mar`. */
export async function startTorchServe(name, { store, modelName, batch = 1, work, body }) {
  const bin = torchserveBin()
  const ports = await Promise.all(Array.from({ length: 5 }, freePort))
  const cwd = join(work, name.replaceAll(/\W+/g, '-'))
  mkdirSync(cwd)
  const address = (key, at) => `${key}_address=http://127.0.0.1:${ports[at]}`
  const version = { defaultVersion: true, marName: `${modelName}.mar`, minWorkers: 1, maxWorkers: 1 }
  const models = { [modelName]: { '1.0': { ...version, batchSize: batch, maxBatchDelay: 5 } } }
  const lines = [
    ...[address('inference', 0), address('management', 1), address('metrics', 2)],
    ...[`grpc_inference_port=${ports[3]}`, `grpc_management_port=${ports[4]}`],
    ...[`initial_worker_port=${ports[0]}`, 'job_queue_size=1000', `models=${JSON.stringify(models)}`],
    'load_models=all',
  ]
  writeFileSync(join(cwd, 'config.properties'), `${lines.join('\n')}\n`)
  const pattern = '<PatternLayout pattern="%m%n"/>'
  const console = `<Console name="console" target="SYSTEM_OUT">${pattern}</Console>`
  const root = '<Root level="WARN"><AppenderRef ref="console"/></Root>'
  const xml = `<Configuration><Appenders>${console}</Appenders><Loggers>${root}</Loggers></Configuration>`
  writeFileSync(join(cwd, 'log4j2.xml'), xml)
  const args = ['--foreground', '--ncs', '--disable-token-auth', '--model-store', store]
  const files = ['--ts-config', 'config.properties', '--log-config', 'log4j2.xml']
  const env = { PATH: `${bin}:${process.env.PATH}`, TMPDIR: cwd }
  const url = `http://127.0.0.1:${ports[0]}/predictions/${modelName}`
  const server = await start(name, {
    command: join(bin, 'torchserve'),
    args: [...args, ...files],
    env,
    cwd,
    url,
    body,
  })
  // The launcher is a Python that waits; the server is its Java.
  return { ...server, pids: server.pids.slice(1) }
}

/** FastAPI under uvicorn, one process, the empty handler. */
export async function startFastApi(name, { body }) {
  const port = await freePort()
  const words = [
    '-m',
    'uvicorn',
    'fastapi_server:app',
    '--port',
    port,
    '--log-level',
    'warning',
    '--no-access-log',
  ]
  const url = `http://127.0.0.1:${port}/predict`
  const cwd = here('peers/')
  return start(name, { command: join(peersBin(), 'python'), args: words.map(String), cwd, url, body })
}

/** LitServe with one worker; `model` is an unpacked archive, absent for the empty handler. */
export async function startLitServe(name, { batch = 1, model, threads = 1, body }) {
  const port = await freePort()
  const words = [here('peers/litserve_server.py'), port, batch, ...(model ? [model, threads] : [])]
  const env = { MARINA_TS: here('../python'), OMP_NUM_THREADS: String(threads) }
  const url = `http://127.0.0.1:${port}/predict`
  const command = join(peersBin(), 'python')
  const type = 'application/json'
  return start(name, { command, args: words.map(String), env, url, body: litServeBody(body), type })
}

/** Real Triton with its Python backend and the empty handler; it lies inside the package of PyTriton. */
export async function startTriton(name, { work, body }) {
  const bin = peersBin()
  const site = execFileSync(join(bin, 'python'), [
    '-c',
    'import sysconfig; print(sysconfig.get_paths()["purelib"])',
  ])
  const packages = site.toString().trim()
  const triton = join(packages, 'pytriton', 'tritonserver')
  const stubs = join(triton, 'python_backend_stubs')
  const version = execFileSync(PYTHON, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
    .toString()
    .trim()
  cpSync(join(stubs, version), join(triton, 'backends', 'python'), { recursive: true })
  const model = join(work, 'triton', 'empty')
  mkdirSync(join(model, '1'), { recursive: true })
  cpSync(here('peers/triton_model.py'), join(model, '1', 'model.py'))
  cpSync(here('peers/triton_config.pbtxt'), join(model, 'config.pbtxt'))
  const [http, grpc, metrics] = await Promise.all([freePort(), freePort(), freePort()])
  const args = [
    ...[`--model-repository=${join(work, 'triton')}`, `--backend-directory=${join(triton, 'backends')}`],
    ...[
      '--http-address=127.0.0.1',
      `--http-port=${http}`,
      `--grpc-port=${grpc}`,
      `--metrics-port=${metrics}`,
    ],
    '--log-error=1',
  ]
  const libraries = [join(triton, 'external_libs'), process.env.LD_LIBRARY_PATH ?? ''].join(':')
  const env = { PYTHONPATH: packages, LD_LIBRARY_PATH: libraries }
  const url = `http://127.0.0.1:${http}/v2/models/empty/infer`
  const command = join(triton, 'bin', 'tritonserver')
  return start(name, { command, args, env, url, body, type: 'application/json' })
}

/** What LitServe's decoding wants: JSON, or a form that its workers could not unpickle. */
export const litServeBody = (body) => JSON.stringify({ data: body.toString('base64') })

/** What Triton's HTTP wants for one row of `bytes` bytes: JSON without its binary extension. */
export const tritonBody = (bytes) =>
  JSON.stringify({
    inputs: [
      { name: 'body', shape: [1, bytes], datatype: 'UINT8', data: Array.from({ length: bytes }, () => 120) },
    ],
  })
