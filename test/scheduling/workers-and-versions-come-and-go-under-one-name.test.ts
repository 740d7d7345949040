/** Numbers of workers, default versions, and answers in pieces (contract scheduling §16, 9, 10 and 16). */
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
