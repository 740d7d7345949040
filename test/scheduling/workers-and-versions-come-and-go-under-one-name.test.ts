/** Numbers of workers, default versions, and answers in pieces (contract scheduling §9, and §16, 9, 10 and 16). */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manage, predict, register } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error'])
})
afterAll(() => tests.close())

const says = (text: string) => `export default { inference: (rows) => rows.map(() => '${text}') }`

// First: the numbers are the server's, and this model takes the first of them.
test('workers are numbered from 9000, the newest go first, and no number comes back', async () => {
  tests.model('numbered', { 'handler.js': says('fine') })
  await register(served, 'url=numbered&initial_workers=1&synchronous=true')
  const scaled = async (workers: number) => {
    const path = `/models/numbered?min_worker=${workers}&max_worker=${workers}&synchronous=true`
    expect((await manage(served, 'PUT', path)).status).toBe(200)
    const shown = (await served.describe('numbered')).workers as readonly { readonly id?: string }[]
    return shown.map(({ id }) => id)
  }
  expect(await scaled(1)).toEqual(['9000'])
  expect(await scaled(3)).toEqual(['9000', '9001', '9002'])
  expect(await scaled(1)).toEqual(['9000'])
  expect(await scaled(2)).toEqual(['9000', '9003'])
})

test.each([
  [1, 5],
  [0, 5],
])('with as many workers as lie between %i and %i none starts or ends', async (min, max) => {
  const { workers: before } = await served.describe('numbered')
  expect(before).toHaveLength(2)
  const path = `/models/numbered?min_worker=${min}&max_worker=${max}&synchronous=true`
  expect((await manage(served, 'PUT', path)).status).toBe(200)
  const after = await served.describe('numbered')
  expect(after).toMatchObject({ minWorkers: min, maxWorkers: max })
  expect(after.workers.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid))
  expect(await predict(served, 'numbered')).toEqual({ status: 200, text: 'fine' })
})

test('a worker more that does not start is 500, and is tried again until it does', async () => {
  const full = join(tests.folder, 'full')
  const handler = `import { existsSync } from 'node:fs'
    export default {
      initialize() { if (existsSync(${JSON.stringify(full)})) throw new Error('no room') },
      inference: (rows) => rows.map(() => 'fine'),
    }`
  tests.model('grows', { 'handler.js': handler })
  await register(served, 'url=grows&initial_workers=1&synchronous=true')
  tests.file('full', '')
  const more = '/models/grows?min_worker=2&max_worker=2&synchronous=true'
  expect(await manage(served, 'PUT', more)).toMatchObject({
    status: 500,
    text: expect.stringContaining('Failed to start workers for model grows version: null') as string,
  })
  const shown = await served.describe('grows')
  expect(shown).toMatchObject({ minWorkers: 2, maxWorkers: 2 })
  expect(shown.workers.map(({ status }) => status)).toEqual(['READY', 'UNLOADING'])
  expect(await predict(served, 'grows')).toEqual({ status: 200, text: 'fine' })
  rmSync(full)
  await served.untilDescribed('grows', ({ workers }) => workers.every(({ status }) => status === 'READY'))
})

test('of two versions the first is the default until it is moved, and the default is not deleted beside another', async () => {
  for (const version of ['1.0', '2.0']) {
    const folder = `v${version}`
    tests.model(folder, { 'handler.js': says(version) }, { modelName: 'twice', modelVersion: version })
    const query = `url=${folder}&initial_workers=1&synchronous=true`
    expect((await register(served, query)).status).toBe(200)
  }
  expect(await predict(served, 'twice')).toEqual({ status: 200, text: '1.0' })
  expect(await predict(served, 'twice/2.0')).toEqual({ status: 200, text: '2.0' })

  expect((await manage(served, 'PUT', '/models/twice/2.0/set-default')).status).toBe(200)
  expect(await predict(served, 'twice')).toEqual({ status: 200, text: '2.0' })

  const kept = await manage(served, 'DELETE', '/models/twice/2.0')
  expect(kept.status).toBe(403)
  expect(kept.text).toContain('Cannot remove default version for model twice')
  expect((await manage(served, 'DELETE', '/models/twice/1.0')).status).toBe(200)
  const gone = await predict(served, 'twice/1.0')
  expect(gone.status).toBe(404)
  expect(gone.text).toContain('Model version: 1.0 does not exist for model: twice')
  expect((await manage(served, 'DELETE', '/models/twice')).status).toBe(200)
})

test('an answer in pieces may take longer than the response timeout, if no piece does', async () => {
  const streams = `
    async function* pieces() {
      for (const piece of ['a', 'b', 'c', 'd', 'e']) {
        await new Promise((resolve) => setTimeout(resolve, 500))
        yield piece
      }
    }
    export default { inference: (rows) => rows.map(() => pieces()) }`
  tests.model('pieces', { 'handler.js': streams })
  await register(served, 'url=pieces&initial_workers=1&synchronous=true&response_timeout=2')
  expect(await predict(served, 'pieces')).toEqual({ status: 200, text: 'abcde' })
})
