/** Reloads of a version: a new generation comes up, takes over, and the old one finishes; over workers in memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryWorkers, textOutcome, type Behaviour } from '../../test/support/memory-workers.js'
import { manualClock } from '../clock.js'
import { defaultConfig } from '../config/load.js'
import { invalidFile } from '../errors.js'
import { silentLogger } from '../log.js'
import type { Answer } from './job.js'
import { noMetrics } from './metrics.js'
import { createServing } from './serving.js'
import type { OpenedGeneration } from './version-loader.js'

let store = ''
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'marina-reload-'))
  await writeFile(join(store, 'm.mar'), '')
})
afterEach(() => rm(store, { recursive: true }))

/** A server of one model; `source` is what its archive holds at the moment, and workers answer with their folder. */
function server(options: { workers?: number } = {}) {
  const source = { version: '1.0', broken: false, behaviour: 'answers' as Behaviour }
  const open: string[] = []
  const behaviours = new Map<string, Behaviour>()
  const workers = memoryWorkers({
    behaviour: ({ load }) => behaviours.get(load.modelDir) ?? 'answers',
    answer: (job) => textOutcome(job.id),
  })
  let opened = 0
  const openGeneration = (): Promise<OpenedGeneration> => {
    if (source.broken) return Promise.reject(invalidFile('handler.ts:3:7', 'Unexpected ";"'))
    const dir = `generation-${++opened}`
    open.push(dir)
    behaviours.set(dir, source.behaviour)
    return Promise.resolve({
      dir,
      manifest: { runtime: 'node', model: { modelName: 'm', modelVersion: source.version, handler: 'h.js' } },
      schema: undefined,
      examples: undefined,
      close: () => Promise.resolve(void open.splice(open.indexOf(dir), 1)),
    })
  }
  const config = {
    ...defaultConfig('marina'),
    modelStore: store,
    workersPerModel: options.workers ?? 1,
    batchSize: 1,
  }
  const deps = {
    config,
    factory: workers.factory,
    openGeneration,
    clock: manualClock(),
    log: silentLogger,
    metrics: noMetrics,
  }
  const serving = createServing(deps)
  let ids = 0
  const ask = (): Promise<Answer> =>
    serving.infer({
      id: `r${++ids}`,
      model: 'm',
      version: undefined,
      operation: 'predict',
      headers: {},
      input: { kind: 'parts', parts: [] },
      signal: new AbortController().signal,
      receivedMs: 0,
    })
  const register = async () => (await serving.catalog.register({ url: 'm.mar' })).ready
  const shown = () => serving.catalog.describe('m', undefined)[0]
  return { ...serving, source, open, workers, ask, register, shown }
}

test('moves requests to a new generation once it is ready, and removes the old one with its folder', async () => {
  const { register, catalog, open, workers, ask, source } = server({ workers: 2 })
  await register()
  source.behaviour = 'manual'
  const reloaded = catalog.reload('m', '1.0')
  await expect.poll(() => workers.started).toHaveLength(4)
  expect((await ask()).outcome.kind).toBe('ok')
  const takers = workers.started.filter(({ jobs }) => jobs.length > 0)
  expect(takers.map(({ spec }) => spec.load.modelDir)).toEqual(['generation-1'])

  for (const worker of workers.started.slice(2)) worker.say({ kind: 'loaded', credit: 2 })
  const { drained } = await reloaded
  const answer = ask()
  const found = () => workers.started.slice(2).find(({ jobs }) => jobs.length > 0)
  await expect.poll(found).toBeDefined()
  const taker = found()
  for (const job of taker?.jobs ?? []) taker?.answer(job.key, textOutcome('new'))
  expect((await answer).outcome.kind).toBe('ok')
  await drained
  expect(workers.alive().map(({ spec }) => spec.load.modelDir)).toEqual(['generation-2', 'generation-2'])
  expect(open).toEqual(['generation-2'])
})

test('leaves what was accepted before to the old generation, which answers all of it before it goes', async () => {
  const { register, catalog, workers, ask, source } = server()
  source.behaviour = 'loads'
  await register()
  const answers = [ask(), ask(), ask()]
  source.behaviour = 'answers'
  const { drained } = await catalog.reload('m', undefined)
  expect((await ask()).outcome.kind).toBe('ok')

  const [old] = workers.started
  expect(old?.alive).toBe(true)
  for (let at = 0; at < answers.length; at++) {
    await expect.poll(() => old?.jobs.length).toBeGreaterThan(at)
    const job = old?.jobs[at]
    if (job) old.answer(job.key, textOutcome('old'))
  }
  const kinds = (await Promise.all(answers)).map(({ outcome }) => outcome.kind)
  expect(kinds).toEqual(['ok', 'ok', 'ok'])
  await drained
  expect(old?.alive).toBe(false)
})

test('that finds a broken source leaves the version as it was, and describe says why until one succeeds', async () => {
  const { register, catalog, open, ask, source, shown } = server()
  await register()
  source.broken = true
  await expect(catalog.reload('m', '1.0')).rejects.toMatchObject({ code: 'invalid-file' })
  expect(shown()?.reloadFailure).toMatchObject({ message: 'handler.ts:3:7: Unexpected ";"' })
  expect((await ask()).outcome.kind).toBe('ok')
  expect(open).toEqual(['generation-1'])

  source.broken = false
  await (
    await catalog.reload('m', '1.0')
  ).drained
  expect(shown()?.reloadFailure).toBeUndefined()
  expect(open).toEqual(['generation-2'])
})

test('whose workers do not load is taken back, and nothing of it is left', async () => {
  const { register, catalog, open, workers, ask, source, shown } = server()
  await register()
  source.behaviour = 'fails'
  await expect(catalog.reload('m', '1.0')).rejects.toMatchObject({ code: 'worker-failed' })
  expect(shown()?.reloadFailure?.message).toContain('the handler could not be loaded: no such handler')
  expect((await ask()).outcome.kind).toBe('ok')
  expect(workers.alive()).toHaveLength(1)
  expect(open).toEqual(['generation-1'])
})

test('refuses a source that is another version by now', async () => {
  const { register, catalog, open, source } = server()
  await register()
  source.version = '2.0'
  await expect(catalog.reload('m', '1.0')).rejects.toThrow(/m\.mar holds m 2\.0 now.*the place of m 1\.0/)
  expect(open).toEqual(['generation-1'])
})

test('that is overtaken by another one, or by unregistering, gives way', async () => {
  const { register, catalog, open, workers, source } = server()
  await register()
  source.behaviour = 'manual'
  const slow = catalog.reload('m', '1.0')
  const outcome = slow.catch((error: unknown) => error)
  await expect.poll(() => workers.started).toHaveLength(2)
  await catalog.unregister('m', '1.0')
  workers.started[1]?.say({ kind: 'loaded', credit: 2 })
  expect(await outcome).toMatchObject({ code: 'conflict' })
  expect(open).toEqual([])
  expect(workers.alive()).toEqual([])
  await expect(catalog.reload('m', '1.0')).rejects.toMatchObject({ code: 'model-not-found' })
})

test('keeps the number of workers that was asked for while it was under way', async () => {
  const { register, catalog, workers, source, shown } = server()
  await register()
  source.behaviour = 'manual'
  const reloaded = catalog.reload('m', '1.0')
  await expect.poll(() => workers.started).toHaveLength(2)
  await catalog.scale('m', '1.0', { min: 0, max: 0 }).ready
  workers.started[1]?.say({ kind: 'loaded', credit: 2 })
  await reloaded
  expect(shown()).toMatchObject({ minWorkers: 0, maxWorkers: 0, workers: [] })
})

test('that a closing server interrupts ends with it', async () => {
  const { register, catalog, open, workers, source } = server()
  await register()
  source.behaviour = 'manual'
  const outcome = catalog.reload('m', '1.0').catch((error: unknown) => error)
  await expect.poll(() => workers.started).toHaveLength(2)
  await catalog.close()
  expect(await outcome).toMatchObject({ code: 'worker-failed' })
  expect(workers.alive()).toEqual([])
  expect(open).toEqual([])
})
