/** What a preloaded parent leaves when it cannot be had, and when its program ends: nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { untilGone } from '../../test/support/children.js'
import { TestWorker } from '../../test/support/real-worker.js'
import { createWorkerFactory } from './process.js'
import { pythonWorkerCommand } from './python-command.js'
import type { WorkerSpec } from './worker.js'

let folder: string
/** Where parents keep their sockets. */
let tmp: string
let spec: WorkerSpec
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'marina-parent-')))
  tmp = join(folder, 't')
  const modelDir = join(folder, 'model')
  for (const made of [tmp, modelDir, join(modelDir, 'MAR-INF')]) mkdirSync(made)
  const model = { modelName: 'm', modelVersion: '1.0', handler: 'handler.py' }
  writeFileSync(join(modelDir, 'MAR-INF/MANIFEST.json'), JSON.stringify({ runtime: 'python', model }))
  writeFileSync(join(modelDir, 'handler.py'), 'def handle(data, context): return data')
  const names = { model: 'm', version: '1.0', modelDir, handler: 'handler.py', device: 'cpu' }
  const load = { ...names, batchSize: 1, threads: 1, retryItems: true }
  spec = { slot: 9000, runtime: 'python', preload: true, load }
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const commandOf = (asked: WorkerSpec) => {
  const settings = { executable: 'python3', environment: process.env, decodeInput: true, allowPickles: false }
  return pythonWorkerCommand(asked, settings)
}

/** Runs the words of a program that knows `start(onEvent)`, which starts the worker; gives what it prints and how it ends. */
async function runProgram(words: string): Promise<{ printed: string; code: number | null }> {
  const file = join(folder, 'program.mjs')
  const contents = `import { closeSync, openSync } from 'node:fs'
    import { createWorkerFactory } from './src/worker/process.ts'
    const { spec, command } = JSON.parse(process.argv[2])
    const start = createWorkerFactory({ commandOf: () => command }).bind(undefined, spec)
    ${words}`
  const resolveDir = fileURLToPath(new URL('../..', import.meta.url))
  const stdin = { contents, resolveDir, loader: 'ts' } as const
  await build({ stdin, outfile: file, bundle: true, platform: 'node', format: 'esm', packages: 'external' })
  const what = JSON.stringify({ spec, command: commandOf(spec) })
  // Few enough files to open them all.
  const program = spawn('sh', ['-c', 'ulimit -n 128; exec "$0" "$@"', process.execPath, file, what], {
    env: { ...process.env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(program, 'close')
  const printed = await text(program.stdout)
  await closed
  return { printed, code: program.exitCode }
}

test('a parent for which there are no file descriptors leaves nothing, and the worker says why', async () => {
  const { printed, code } = await runProgram(`
    const files = []
    try { for (;;) files.push(openSync('/dev/null')) } catch {}
    start(({ exit }) => {
      for (const file of files) closeSync(file)
      setImmediate(() => console.log(exit.message))
    })`)
  expect(printed).toBe('could not be started: there was no socket for it; too many files are open\n')
  expect(code).toBe(0)
  expect(readdirSync(tmp)).toEqual([])
})

test('a program that exits with a parent leaves nothing of it', async () => {
  const { code } = await runProgram(
    `start(({ message }) => { if (message?.kind === 'loaded') process.exit(3) })`,
  )
  expect(code).toBe(3)
  expect(readdirSync(tmp)).toEqual([])
})

test.each([
  // The connection is reset then, for nobody has read what was sent.
  ['lets go of it later', 0.2],
  ['keeps it', 600],
])('a parent that leaves its connection to a process which %s tells who waits', async (_, seconds) => {
  const left = join(folder, 'left')
  const args = ['-c', `setsid sleep ${seconds} & echo $! > ${left}; exit 7`]
  const commandOf = () => ({ command: 'sh', args, env: process.env })
  const worker = new TestWorker(spec, createWorkerFactory({ commandOf }))
  expect((await worker.exit()).message).toBe('its parent exited with code 7')
  const pid = Number(readFileSync(left, 'utf8'))
  if (seconds > 1) process.kill(pid, 'SIGKILL')
  await untilGone(pid)
})

test('a parent that its workers could not reach ends, and tells who waits', async () => {
  const long = join(tmp, 'x'.repeat(120))
  mkdirSync(long)
  // Such a name is an error, or is cut off by libuv at one of two lengths, and then it is in use.
  for (const length of [107, 108]) writeFileSync(long.slice(0, length), '')
  vi.stubEnv('TMPDIR', long)
  const worker = new TestWorker(spec, createWorkerFactory({ commandOf }))
  expect((await worker.exit()).message).toMatch(/^could not be started: listen /)
  expect(readdirSync(long)).toEqual([])
})
