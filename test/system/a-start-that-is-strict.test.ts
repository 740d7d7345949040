/** A model that does not load: a strict start ends with 1 and the cause, any other one serves the rest. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { ServerTests } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

const broken = `export default {
  initialize() {
    console.error('looking for weights')
    throw new Error('no weights here')
  },
  inference: (rows) => rows,
}`
const good = 'export default { inference: (rows, state, jobs) => jobs.map(() => "here") }'
const anyPort = ['inference', 'management', 'metrics'].flatMap((role) => [`--${role}-port`, '0'])

test('a handler that cannot be loaded ends a strict start with its exception, file and line', async () => {
  const words = [await tests.archive('good', good), await tests.archive('broken', broken)]
  const server = tests.run(['serve', '--strict', ...words, ...anyPort])
  expect(await server.exited).toBe(1)
  expect(server.stderr).toContain(
    'The start is strict. Failed to start workers for model broken version: 1.0',
  )
  expect(server.stderr).toMatch(/no weights here \(handler\.js, line 4, in .*initialize\)/)
  expect(server.stderr).toContain('looking for weights')
})

test('without --strict the same server serves the model that loads', async () => {
  const words = [await tests.archive('good', good), await tests.archive('broken', broken)]
  const served = await tests.serve(words)
  expect(await (await fetch(`${served.inference}/predictions/good`)).text()).toBe('here')
  expect(await (await fetch(`${served.inference}/ready`)).json()).toMatchObject({
    status: 'Not ready',
    models: [
      { modelName: 'good', ready: true },
      { modelName: 'broken', ready: false },
    ],
  })
  const [worker] = (await served.describe('broken')).workers
  expect(worker).toMatchObject({
    failingSince: expect.stringMatching(/^\d{4}-/) as string,
    lastFailure: { message: expect.stringContaining('no weights here (handler.js, line 4') as string },
  })
})

test('a synchronous registration that fails says the exception, its place, the last words and the request', async () => {
  const archive = await tests.archive('broken', broken)
  const served = await tests.serve([])
  const url = `${served.management}/models?url=${encodeURIComponent(archive)}&initial_workers=1&synchronous=true`
  const response = await fetch(url, { method: 'POST' })
  const { message } = (await response.json()) as { message: string }
  expect(response.status).toBe(500)
  expect(message).toMatch(
    /^Failed to start workers for model broken version: 1\.0\. .*no weights here \(handler\.js, line 4/,
  )
  expect(message).toContain('looking for weights')
  const id = response.headers.get('x-request-id') ?? 'none'
  expect(message).toContain(`Request id: ${id}`)
  const [line] = await served.until(new RegExp(`^(?=.*Failed to start).*${id}.*\n`, 'm'))
  expect(line).toContain('no weights here (handler.js, line 4')
})

test('SIGTERM ends a strict start that is still loading, with 0', async () => {
  const slow = `export default {
    initialize: () => { console.log('loading'); return new Promise((done) => setTimeout(done, 60_000)) },
    inference: (rows) => rows }`
  const server = tests.run(['serve', '--strict', await tests.archive('slow', slow), ...anyPort])
  await server.until(/loading/)
  server.child.kill('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('torchserve starts without an archive that is not there, unless its settings are strict', () => {
  const bin = fileURLToPath(new URL('../../bin/torchserve.js', import.meta.url))
  const ports = ['inference', 'management', 'metrics'].map((role) => `${role}_address=http://127.0.0.1:0`)
  writeFileSync(join(tests.folder, 'strict.properties'), [...ports, 'strict=true'].join('\n'))
  const words = ['--start', '--foreground', '--ncs', '--model-store', '.', '--models', 'none.mar']
  const env = { ...process.env, TMPDIR: tests.folder, XDG_CACHE_HOME: join(tests.folder, 'cache') }
  const options = { cwd: tests.folder, env, encoding: 'utf8' } as const
  const ended = spawnSync(process.execPath, [bin, ...words, '--ts-config', 'strict.properties'], options)
  expect(ended.status).toBe(1)
  expect(ended.stdout).toContain('none.mar')
  expect(ended.stdout).not.toContain('Model server started.')
})
