/** `torchserve` as scripts use it: start through a pipe, wait for a line, ask, stop, find the ports free. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pack } from '../../src/archive/pack.js'
import { freePorts, type Ports } from '../compat/original.js'

const torchserve = fileURLToPath(new URL('../../bin/torchserve.js', import.meta.url))

let cwd = ''
let ports: Ports
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'marina-torchserve-'))
  mkdirSync(join(cwd, 'model_store'))
  mkdirSync(join(cwd, 'tmp'))
  ports = await freePorts(false)
  const { inference, management, metrics } = ports
  const lines = [
    `inference_address=http://0.0.0.0:${inference}`,
    `management_address=http://0.0.0.0:${management}`,
    `metrics_address=http://0.0.0.0:${metrics}`,
  ]
  writeFileSync(join(cwd, 'config.properties'), lines.join('\n'))
})
afterEach(() => {
  run('--stop', '--foreground')
  rmSync(cwd, { recursive: true, force: true })
})

const options = () => ({ cwd, env: { ...process.env, TMPDIR: join(cwd, 'tmp') } })

const run = (...words: string[]) =>
  spawnSync(process.execPath, [torchserve, ...words], { ...options(), encoding: 'utf8' })

const START = ['--start', '--ncs', '--model-store', 'model_store', '--ts-config', 'config.properties']

/** Starts through a pipe; `text` resolves when the pipe says `line`, or rejects at its end. */
function start(words: readonly string[], line: string) {
  const child = spawn(process.execPath, [torchserve, ...words], options())
  let text = ''
  const said = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes(line)) resolve(text)
    })
    child.stdout.on('end', () => reject(new Error(`The pipe ended without ${line}:\n${text}`)))
  })
  const ended = new Promise<void>((resolve) => child.stdout.on('end', resolve))
  return { child, said, ended, exitCode: exitCodeOf(child) }
}

const exitCodeOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.on('exit', resolve))

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })

test('the tutorial’s line starts a server in the background, and --stop ends it', async () => {
  const server = start(START, 'Model server started.')
  expect(await server.exitCode).toBe(0)
  expect(await server.said).toContain(`Inference API bind to: http://0.0.0.0:${ports.inference}`)
  const models = `http://127.0.0.1:${ports.management}/models`
  const keys = JSON.parse(readFileSync(join(cwd, 'key_file.json'), 'utf8')) as { management: { key: string } }
  const headers = { Authorization: `Bearer ${keys.management.key}` }
  expect([(await fetch(models)).status, (await fetch(models, { headers })).status]).toEqual([400, 200])

  const again = run(...START)
  expect([again.status, again.stdout]).toEqual([
    1,
    'TorchServe is already running, please use torchserve --stop to stop TorchServe.\n',
  ])

  const stopped = run('--stop', '--foreground')
  expect([stopped.status, stopped.stdout]).toEqual([0, ''])
  expect(await Promise.all(Object.values(ports).map(isFree))).toEqual([true, true, true])
  expect(existsSync(join(cwd, 'tmp/.model_server.pid'))).toBe(false)
  expect(existsSync(join(cwd, 'key_file.json'))).toBe(false)
  await server.ended
  expect(run('--stop').stdout).toBe('TorchServe is not currently running.\n')
})

test('the tutorial’s archive is loaded by its name, answers at 0.0.0.0, and is gone with --stop', async () => {
  const handler = join(cwd, 'handler.mjs')
  writeFileSync(
    handler,
    `export default { inference: (rows, state, jobs) => jobs.map(() => ({ dist: 12.3, pred: 7 })) }`,
  )
  const facts = { modelName: 'embedding', version: '1.0', handler, bundle: false }
  await pack({ ...facts, exportPath: join(cwd, 'model_store') })
  const server = start([...START, '--models', 'embedding=embedding.mar'], 'Model server started.')
  expect(await server.exitCode).toBe(0)
  await server.said
  const keys = JSON.parse(readFileSync(join(cwd, 'key_file.json'), 'utf8')) as { inference: { key: string } }
  const headers = { Authorization: `Bearer ${keys.inference.key}` }
  const ask = () =>
    fetch(`http://127.0.0.1:${ports.inference}/predictions/embedding`, { method: 'POST', headers, body: 'x' })
  // Workers start in the background, as the original's do.
  await expect.poll(async () => (await ask()).status, { timeout: 120_000 }).toBe(200)
  expect(await (await ask()).json()).toEqual({ dist: 12.3, pred: 7 })
  expect((await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).status).toBe(200)
  const stopped = run('--stop')
  expect([stopped.status, stopped.stdout]).toEqual([0, 'TorchServe has stopped.\n'])
  await server.ended
  expect(await Promise.all(Object.values(ports).map(isFree))).toEqual([true, true, true])
})

test('in the foreground the process of the pid file is the server itself, and SIGTERM ends it with 0 and removes the file', async () => {
  const server = start([...START, '--foreground'], 'Model server started.')
  await server.said
  const pid = readFileSync(join(cwd, 'tmp/.model_server.pid'), 'utf8').split('\n')[0]
  expect(pid).toBe(String(server.child.pid))
  server.child.kill('SIGTERM')
  expect(await server.exitCode).toBe(0)
  expect(existsSync(join(cwd, 'tmp/.model_server.pid'))).toBe(false)
})

test('a server that cannot listen says so, and the pipe ends', async () => {
  await start(START, 'Model server started.').said
  // Another folder for temporary files is another server's.
  mkdirSync(join(cwd, 'other'))
  const env = { ...process.env, TMPDIR: join(cwd, 'other') }
  const second = spawnSync(process.execPath, [torchserve, ...START, '--foreground'], {
    cwd,
    env,
    encoding: 'utf8',
  })
  expect(second.status).toBe(1)
  expect(second.stdout).toMatch(/^Failed to bind to address: http:\/\/0\.0\.0\.0:\d+: the port is in use/m)
})

test('an orphan pid file is removed, also when another process has the pid now', () => {
  const file = join(cwd, 'tmp/.model_server.pid')
  writeFileSync(file, `${process.pid}\n1\n`) // it began at another time
  expect(run('--stop').stdout).toBe('TorchServe is not currently running.\n')
  writeFileSync(file, '999999999\n')
  expect(run('--version').stdout).toBe('Removing orphan pid file.\nTorchServe Version is 0.12.0\n')
  expect(existsSync(file)).toBe(false)
})
