/** The lines of a start, and of workers that fail, in TorchServe's words and order (contract server-config §13.3, scheduling §8, §16.3). */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, predict, register } from '../support/registered.js'
import { Served, ServerTests } from '../support/served.js'

const bin = fileURLToPath(new URL('../../bin/torchserve.js', import.meta.url))
const tests = new ServerTests()
const options = {
  cwd: tests.folder,
  env: { ...process.env, TMPDIR: tests.folder, XDG_CACHE_HOME: join(tests.folder, 'cache') },
}
const words = ['--foreground', '--ncs', '--model-store', 'store', '--models', 'named', 'none.mar']

/** Writes the file of settings; answers with the words that name it. */
function settings(name: string, ...lines: readonly string[]): readonly string[] {
  const ports = ['inference', 'management', 'metrics'].map((role) => `${role}_address=http://127.0.0.1:0`)
  tests.file(name, [...ports, ...lines].join('\n'))
  return ['--ts-config', name]
}

const model = (name: string, handler: string, facts: object = {}) =>
  tests.model(`store/${name}`, { 'handler.js': handler }, { modelName: name, ...facts })

let served: Served
beforeAll(async () => {
  mkdirSync(join(tests.folder, 'store'))
  const named = model('named', `export default { inference: (rows) => rows.map(() => 'here') }`, {
    handler: undefined,
    configFile: 'model-config.yaml',
  })
  writeFileSync(join(named, 'model-config.yaml'), 'batchSize: [')
  model('hangs', 'export default { inference: () => new Promise(() => {}) }')
  model('sleeps', 'export default { initialize: () => new Promise(() => {}), inference: (rows) => rows }')
  model(
    'fails',
    `export default { initialize() { throw new Error('no weights') }, inference: (rows) => rows }`,
  )
  const open = ['disable_token_authorization=true', 'enable_model_api=true']
  const own = ['initial_worker_port=9500', 'default_service_handler=handler.js']
  const config = settings('config.properties', ...open, ...own, 'default_workers_per_model=1')
  served = new Served(spawn(process.execPath, [bin, ...words, ...config], options))
  tests.watch(served)
  await served.until(/^Model server started\.$/m)
  for (const [, role = '', url] of served.stdout.matchAll(/ - (\w+) API bind to: (http:\S+)$/gm))
    Object.assign(served, { [role.toLowerCase()]: url })
})
afterAll(() => tests.close())

/** Waits for texts in this order, each the end of a record, which its facts may follow. */
const untilInOrder = (...lines: readonly string[]) =>
  served.until(new RegExp(lines.map((line) => `${line}(?: {.*})?$`).join('[^]*'), 'm'))

/** The number of a model's first worker, which the log tells. */
async function workerOf(name: string): Promise<string> {
  const [, worker = ''] = await served.until(
    new RegExp(`W-(\\d+)-${name}_1\\.0 State change null -> WORKER_STARTED`),
  )
  return worker
}

test('a start names its models, what becomes of them, its settings and its ports', async () => {
  const at = (line: string) => served.stdout.indexOf(line)
  expect(served.stdout).toMatch(/^Default workers per model: 1$/m)
  expect(at('Torchserve version: ')).toBeLessThan(at(' - Loading initial models: named\n'))
  expect(at(' - Loading initial models: none.mar\n')).toBeLessThan(at(' - Model named loaded.\n'))
  expect(served.stdout).toMatch(/\[WARN \] .* - Failed to load model: none\.mar/)
  expect(served.stdout).toMatch(/\[WARN \] .* - Failed to parse model config file model-config\.yaml/)
  await untilInOrder(
    'Inference API bind to: http:.*',
    'Management API bind to: http:.*',
    'Metrics API bind to: http:.*',
    'Model server started\\.',
  )
})

test('a model without a handler has that of the settings, and workers are numbered from where they say', async () => {
  await untilInOrder(' - W-9500-named_1\\.0 State change WORKER_STARTED -> WORKER_MODEL_LOADED')
  expect(await predict(served, 'named')).toEqual({ status: 200, text: 'here' })
  expect((await manage(served, 'GET', '/models/named')).text).toContain('"id": "9500"')
})

const OVERDUE =
  'Backend worker error\norg\\.pytorch\\.serve\\.wlm\\.WorkerInitializationException: Backend worker did not respond in given time'

test('a worker that does not answer in time', async () => {
  await register(served, 'url=hangs&initial_workers=1&synchronous=true&response_timeout=1')
  expect((await predict(served, 'hangs')).text).toContain('"message": "Worker died."')
  const worker = await workerOf('hangs')
  await untilInOrder(
    'Number or consecutive unsuccessful inference 1',
    OVERDUE,
    `${worker} Worker disconnected\\. WORKER_MODEL_LOADED`,
    'Auto recovery start timestamp: \\d{13}',
    `Retry worker: ${worker} in 0 seconds\\.`,
    'Auto recovery succeeded, reset recoveryStartTS',
  )
})

test('a worker that does not load in time', async () => {
  const query = 'url=sleeps&initial_workers=1&synchronous=true&startup_timeout=1'
  expect((await register(served, query)).status).toBe(500)
  const worker = await workerOf('sleeps')
  await untilInOrder(OVERDUE, `${worker} Worker disconnected\\. WORKER_STARTED`)
})

test('a worker that fails to load, again and again', async () => {
  await register(served, 'url=fails&initial_workers=1&synchronous=false')
  const worker = await workerOf('fails')
  await untilInOrder(
    'Auto recovery start timestamp: \\d{13}',
    `Retry worker: ${worker} in 1 seconds\\.`,
    'Auto recovery failed again',
    `Retry worker: ${worker} in 1 seconds\\.`,
  )
})

test('settings that cannot be are one line of stdout, and exit code 1', () => {
  const config = settings('wrong.properties', 'job_queue_size=ten')
  // With a pid file of its own.
  const env = { ...options.env, TMPDIR: join(tests.folder, 'store') }
  const ended = spawnSync(process.execPath, [bin, ...words, ...config], {
    cwd: tests.folder,
    env,
    encoding: 'utf8',
  })
  expect(ended.status).toBe(1)
  expect(ended.stdout).toMatch(/^Invalid configuration: .*job_queue_size.*\n$/)
})
