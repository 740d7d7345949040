/** `/live`, `/startup`, `/ready`: what each says of the server and of its models. */
import { expect, test } from 'vitest'
import { memoryHttp } from '../../test/support/memory-http.js'
import { memoryServing, worker, type VersionFacts } from '../../test/support/memory-serving.js'
import type { Declared } from '../serving/declared.js'
import type { ServerLife } from './probes.js'

const since = '2026-11-24T02:00:00.000Z'
const notReady = { status: 'UNLOADING', hasServed: false } as const
const loading: VersionFacts = { hasServed: false, workers: [worker({ ...notReady, state: 'loading' })] }
const failing: VersionFacts = {
  hasServed: false,
  workers: [
    worker({
      status: 'UNLOADING',
      state: 'waiting',
      failingSince: since,
      lastFailure: { message: 'no module x', stderr: [] },
    }),
  ],
}
const givenUp: VersionFacts = {
  ...failing,
  workers: failing.workers?.map((failed) => ({ ...failed, isGivenUp: true })) ?? [],
}

const registered = (model: string, version = '1.0'): Declared => ({
  kind: 'registered',
  model,
  version,
  ready: Promise.resolve(),
})

/** A server whose start declared these models. */
function server(models: Readonly<Record<string, VersionFacts>>, more: Partial<ServerLife> = {}) {
  const serving = memoryServing()
  for (const [name, facts] of Object.entries(models)) serving.add(name, '1.0', facts)
  const declared = Object.keys(models).map((name) => registered(name))
  const life = { declared, isStopping: () => false, ...more }
  const of = (config: Parameters<typeof memoryHttp>[1]) => memoryHttp(serving, config, life)
  const ask = (path: string, config = {}) => of(config).send('inference', `GET ${path}`)
  return { serving, of, ask }
}

test('/live holds until a stop begins, whatever the models do', async () => {
  expect(await server({ a: givenUp }).ask('/live')).toMatchObject({
    status: 200,
    json: { status: 'Live' },
  })
  const stopping = server({ a: {} }, { isStopping: () => true })
  expect(await stopping.ask('/live')).toMatchObject({ status: 503, json: { status: 'Stopping' } })
})

test.each<[string, VersionFacts, number, string | undefined]>([
  ['has a ready worker', {}, 200, undefined],
  [
    'has one worker that is ready and one that fails',
    { workers: [worker(), worker({ status: 'UNLOADING', failingSince: since })] },
    200,
    undefined,
  ],
  ['loads for the first time', loading, 503, 'its worker is loading'],
  ['lost its only worker', { ...loading, hasServed: true }, 503, 'its worker ended and starts again'],
  [
    'fails to start',
    failing,
    503,
    `its worker has failed to start since ${since}; the log and GET /models/MODEL of the management port say why`,
  ],
])('/ready of a model that %s', async (_, facts, status, reason) => {
  const { ask } = server({ good: {}, m: facts })
  const about = { modelName: 'm', modelVersion: '1.0', ready: status === 200, ...(reason && { reason }) }
  expect(await ask('/ready')).toMatchObject({
    status,
    json: {
      status: status === 200 ? 'Ready' : 'Not ready',
      models: [{ modelName: 'good', modelVersion: '1.0', ready: true }, about],
    },
  })
  const one = await ask('/ready/m')
  expect([one.status, one.json]).toEqual([status, about])
  expect((await ask('/ready/m/1.0')).json).toEqual(about)
})

test('the words of a failure are told where errors are verbose', async () => {
  const reply = await server({ m: failing }).ask('/ready/m', { verboseErrors: true })
  expect(reply.json).toMatchObject({ reason: `its worker has failed to start since ${since}: no module x` })
})

test('a model that wants no workers is not waited for, but says itself that it cannot answer', async () => {
  const { ask } = server({ m: { minWorkers: 0, workers: [], hasServed: false } })
  expect([(await ask('/ready')).status, (await ask('/startup')).status]).toEqual([200, 200])
  const one = await ask('/ready/m')
  expect([one.status, one.json]).toMatchObject([503, { reason: /it has no workers/ }])
})

test('the version that counts for /ready is the default one at this moment', async () => {
  const { ask, serving } = server({ m: {} })
  serving.add('m', '2.0', loading)
  expect((await ask('/ready')).status).toBe(200)
  serving.catalog.setDefault('m', '2.0')
  expect(await ask('/ready')).toMatchObject({ status: 503, json: { models: [{ modelVersion: '2.0' }] } })
  expect((await ask('/ready/m/1.0')).status).toBe(200)
})

test('a model that was registered after the start does not count for /ready, nor one that is gone', async () => {
  const { ask, serving } = server({ m: failing })
  serving.add('later', '1.0', loading)
  await serving.catalog.unregister('m', '1.0')
  expect(await ask('/ready')).toMatchObject({ status: 200, json: { models: [] } })
  expect((await ask('/ready/later')).status).toBe(503)
})

test('a model that the start could not register keeps /ready false until somebody registers it', async () => {
  const leftOut: Declared = { kind: 'left-out', model: 'm', why: 'no such archive' }
  const { ask, serving } = server({}, { declared: [leftOut] })
  const reason = 'it could not be registered at the start; the log says why'
  expect(await ask('/ready')).toMatchObject({ status: 503, json: { models: [{ modelName: 'm', reason }] } })
  expect((await ask('/ready/m', { verboseErrors: true })).json).toMatchObject({
    reason: 'it could not be registered at the start: no such archive',
  })
  expect((await ask('/startup')).status).toBe(200)
  serving.add('m', '1.0')
  expect((await ask('/ready')).status).toBe(200)
})

test('once a stop begins nothing is ready', async () => {
  const { ask } = server({ m: {} }, { isStopping: () => true })
  const reason = 'the server is stopping'
  expect(await ask('/ready')).toMatchObject({ status: 503, json: { status: 'Not ready', reason } })
  expect(await ask('/ready/m')).toMatchObject({ status: 503, json: { ready: false, reason } })
})

test.each<[string, VersionFacts, number]>([
  ['loads', loading, 503],
  ['fails, but may yet succeed', failing, 503],
  ['is given up', givenUp, 200],
  ['has had a worker that is gone again', { ...failing, hasServed: true }, 200],
])('/startup while a model %s', async (_, facts, status) => {
  expect(await server({ good: {}, m: facts }).ask('/startup')).toMatchObject({
    status,
    json: { status: status === 200 ? 'Started' : 'Starting', models: [{ ready: true }, { ready: false }] },
  })
})

test('a start that has ended does not begin again', async () => {
  const { of, serving } = server({ m: {} })
  const http = of({})
  expect((await http.send('inference', 'GET /startup')).status).toBe(200)
  serving.add('m', '1.0', loading)
  expect((await http.send('inference', 'HEAD /startup')).status).toBe(200)
})

test('probes stand on the inference port, for GET and HEAD, and shadow no path of the original', async () => {
  const { of, serving } = server({ ready: {} })
  const http = of({})
  expect((await http.send('management', 'GET /ready')).status).toBe(404)
  expect((await http.send('inference', 'POST /live')).status).toBe(405)
  expect((await http.send('inference', 'GET /live/x')).status).toBe(404)
  expect(await http.send('inference', 'GET /ready/no-such')).toMatchObject({
    status: 404,
    json: { type: 'ModelNotFoundException' },
  })
  expect((await http.send('inference', 'POST /ready/predict')).text).toBe('answer')
  expect((await http.send('inference', 'POST /ready/1.0/predict')).text).toBe('answer')
  expect(serving.requests).toHaveLength(2)
})
