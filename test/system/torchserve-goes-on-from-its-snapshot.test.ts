/** `torchserve` without `--ncs`: what it had when it was stopped is there again at the next start. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { freePorts } from '../compat/original.js'
import { Program, ServerTests } from '../support/served.js'

const tests = new ServerTests()
const cwd = tests.folder
const started: Program[] = []
afterAll(async () => {
  for (const program of started) program.child.kill('SIGKILL')
  await Promise.all(started.map((program) => program.exited))
  await tests.close()
})

const torchserve = fileURLToPath(new URL('../../bin/torchserve.js', import.meta.url))
function start(...words: readonly string[]): Program {
  const env = { ...process.env, TMPDIR: cwd, XDG_CACHE_HOME: join(cwd, 'cache') }
  const all = [torchserve, '--start', '--foreground', ...words]
  const program = new Program(spawn(process.execPath, all, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }))
  started.push(program)
  return program
}
async function stop(program: Program): Promise<void> {
  program.child.kill('SIGTERM')
  expect(await program.exited).toBe(0)
}

const occasions = () =>
  readdirSync(join(cwd, 'logs/config'))
    .sort()
    .map((name) => /^\d{17}-(\w+)\.cfg$/.exec(name)?.[1])

test('models, versions and flags of the last run are resumed, and --ncs neither reads nor writes', async () => {
  mkdirSync(join(cwd, 'model_store'))
  const archive = await tests.archive(
    'echo',
    'export default { inference: (rows) => rows.map(() => "here") }',
  )
  renameSync(archive, join(cwd, 'model_store/echo.mar'))
  const { inference, management, metrics } = await freePorts(false)
  const lines = Object.entries({ inference, management, metrics }).map(
    ([role, port]) => `${role}_address=http://127.0.0.1:${port}`,
  )
  writeFileSync(join(cwd, 'config.properties'), [...lines, 'NUM_WORKERS=1'].join('\n'))
  const models = `http://127.0.0.1:${management}/models`
  const put = async (path: string) => (await fetch(models + path, { method: 'PUT' })).status

  const first = start('--model-store', 'model_store', '--disable-token-auth', '--enable-model-api')
  await first.until(/Model server started\./)
  expect(occasions()).toEqual(['startup'])
  const register = await fetch(`${models}?url=echo.mar&batch_size=3`, { method: 'POST' })
  expect(register.status).toBe(200)
  expect(await put('/echo?min_worker=1&max_worker=2&synchronous=true')).toBe(200)
  expect(await put('/none?min_worker=1')).toBe(404)
  await stop(first)
  expect(occasions()).toEqual(['startup', 'snapshot', 'snapshot', 'shutdown'])
  const newest = readdirSync(join(cwd, 'logs/config')).sort().at(-1) ?? ''
  expect(readFileSync(join(cwd, 'logs/config', newest), 'utf8')).toMatch(/^NUM_WORKERS=1$/m)

  // The flags are not given again; config.properties is not read.
  const second = start('--model-store', 'model_store')
  await second.until(/Model server started\./)
  expect(second.stdout).toContain(`Resuming from the snapshot logs/config/${newest}: echo 1.0 (workers: 1).`)
  const [version] = (await (await fetch(`${models}/echo`)).json()) as object[]
  expect(version).toMatchObject({ batchSize: 3, minWorkers: 1, maxWorkers: 2, loadedAtStartup: false })
  const predictions = `http://127.0.0.1:${inference}/predictions/echo`
  expect(await (await fetch(predictions, { method: 'POST', body: 'x' })).text()).toBe('here')
  await stop(second)

  const before = occasions()
  const third = start('--ncs', '--model-store', 'model_store')
  await third.until(/Model server started\./)
  expect(third.stdout).not.toContain('Resuming')
  await stop(third)
  expect(occasions()).toEqual(before)
  expect(existsSync(join(cwd, 'logs/config', newest))).toBe(true)
})
