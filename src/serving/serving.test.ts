/** Models, versions and workers together, over workers in memory and a clock that stands still. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryWorkers, textOutcome, type Behaviour } from '../../test/support/memory-workers.js'
import { manualClock } from '../clock.js'
import type { Config } from '../config/config.js'
import { defaultConfig } from '../config/load.js'
import { MarinaError } from '../errors.js'
import { memoryLogger, type LogRecord } from '../log.js'
import type { Registration } from './catalog.js'
import type { Answer, InferenceRequest, OnChunk } from './job.js'
import { createMetrics } from '../metrics/metrics.js'
import { exportedMetrics } from './exported-metrics.js'
import { noMetrics, type ServingMetrics } from './metrics.js'
import { createServing } from './serving.js'
import type { OpenedGeneration } from './version-loader.js'

let store = ''
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'marina-serving-'))
  for (const name of ['m-1.mar', 'm-2.mar', 'other.mar', 'nameless.mar'])
    await writeFile(join(store, name), name)
})
afterEach(() => rm(store, { recursive: true }))

const address = { host: '127.0.0.1', port: 0 }
const baseConfig: Config = {
  ...defaultConfig('marina'),
  inferenceAddress: address,
  managementAddress: address,
  metricsAddress: address,
  modelStore: undefined,
  models: [],
  modelApi: true,
  maxRequestBytes: 1,
  maxBufferedBytes: 1,
  jobQueueSize: 2,
  workersPerModel: 1,
  batchSize: 1,
  maxBatchDelayMs: 100,
  responseTimeoutMs: 10_000,
  startupTimeoutMs: 20_000,
  drainTimeoutMs: 5000,
  retryItems: true,
  replayJobs: true,
  page: false,
  verboseErrors: false,
  logLevel: 'info',
}

/** A server whose archives are names: `m-2.mar` holds version 2 of m. */
function server(
  options: {
    behaviour?: () => Behaviour
    config?: Partial<Config>
    handlerText?: string
    metrics?: ServingMetrics
  } = {},
) {
  const clock = manualClock()
  const records: LogRecord[] = []
  const open: string[] = []
  const workers = memoryWorkers({
    ...(options.behaviour ? { behaviour: options.behaviour } : {}),
    answer: (job) => textOutcome(options.handlerText ?? job.id),
  })
  const serving = createServing({
    config: { ...baseConfig, modelStore: store, ...options.config },
    factory: workers.factory,
    openGeneration: (path) => {
      open.push(path)
      return Promise.resolve(generationOf(path, () => open.splice(open.indexOf(path), 1)))
    },
    clock,
    log: memoryLogger(records),
    metrics: options.metrics ?? noMetrics,
    cores: 4,
  })
  let ids = 0
  const infer = (
    request: Partial<InferenceRequest> & { onChunk?: OnChunk; model?: string } = {},
  ): Promise<Answer> => {
    const { onChunk, ...rest } = request
    const full: InferenceRequest = {
      id: `r${++ids}`,
      model: 'm',
      version: undefined,
      operation: 'predict',
      headers: {},
      input: { kind: 'parts', parts: [] },
      signal: new AbortController().signal,
      receivedMs: clock.nowMs(),
      ...rest,
    }
    return serving.infer(full, onChunk)
  }
  const register = async (url: string, more: Partial<Registration> = {}) => {
    const registered = await serving.catalog.register({ url, ...more })
    await registered.ready
    return registered
  }
  return { ...serving, clock, records, open, workers, infer, register }
}

function generationOf(path: string, close: () => void): OpenedGeneration {
  const [, name, version = '1.0'] = /([a-z]+)(?:-(\d))?\.mar$/.exec(path) ?? []
  const modelName = name === 'nameless' || name === undefined ? {} : { modelName: name }
  return {
    dir: store,
    manifest: { runtime: 'node', model: { ...modelName, modelVersion: version, handler: 'h.js' } },
    schema: undefined,
    examples: undefined,
    close: () => {
      close()
      return Promise.resolve()
    },
  }
}

const text = ({ outcome }: Answer) =>
  outcome.kind === 'ok' ? new TextDecoder().decode(outcome.body) : outcome.kind
/** Lets everything run that waits for nothing but its turn. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a request', () => {
  test('is answered by the default version, or by the one it names', async () => {
    const s = server()
    await s.register('m-1.mar')
    await s.register('m-2.mar')
    const answer = await s.infer()
    expect(text(answer)).toBe('r1')
    expect(answer.job.version).toBe('1')
    expect((await s.infer({ version: '2' })).job.version).toBe('2')
    s.catalog.setDefault('m', '2')
    expect((await s.infer()).job.version).toBe('2')
  })

  test('carries its times', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answer = s.infer()
    s.clock.advance(30)
    const worker = s.workers.started[0]!
    worker.answer(worker.jobs[0]!.key)
    const { timing } = (await answer).job
    expect(timing).toMatchObject({
      receivedMs: 0,
      acceptedMs: 0,
      sentMs: 0,
      startedMs: 0,
      settledMs: 30,
      replays: 0,
    })
    expect(timing.handler?.batch).toBe(1)
  })

  test('for what does not exist is refused with the original texts', async () => {
    const s = server()
    await s.register('m-1.mar')
    await expect(s.infer({ model: 'x' })).rejects.toThrow('Model not found: x')
    await expect(s.infer({ version: '9' })).rejects.toThrow('Model version: 9 does not exist for model: m')
  })

  test('without workers, or with a full queue, is refused at the door', async () => {
    const s = server({ behaviour: () => 'loads', config: { jobQueueSize: 1 } })
    const { ready } = await s.catalog.register({ url: 'm-1.mar', initialWorkers: 0 })
    await ready
    await expect(s.infer()).rejects.toMatchObject({ code: 'no-worker' })
    await s.catalog.scale('m', undefined, { min: 1, max: 1 }).ready
    void s.infer()
    void s.infer()
    await expect(s.infer()).rejects.toMatchObject({ code: 'queue-full' })
  })

  test('whose caller hangs up is cancelled at the worker', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const caller = new AbortController()
    const answer = s.infer({ signal: caller.signal })
    caller.abort()
    expect((await answer).outcome).toEqual({ kind: 'cancelled', place: 'running' })
    const worker = s.workers.started[0]!
    expect(worker.received.at(-1)).toEqual({ kind: 'cancel', keys: [worker.jobs[0]!.key] })
  })

  test('whose caller has hung up before is not run', async () => {
    const s = server({ behaviour: () => 'manual' })
    void s.register('m-1.mar')
    await settle()
    expect((await s.infer({ signal: AbortSignal.abort() })).outcome.kind).toBe('cancelled')
  })

  test('is streamed piece by piece to its own reader', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const pieces: string[] = []
    const answer = s.infer({ onChunk: ({ data }) => void pieces.push(new TextDecoder().decode(data)) })
    const worker = s.workers.started[0]!
    const { key } = worker.jobs[0]!
    for (const piece of ['a', 'b']) {
      worker.say({ kind: 'chunk', key, body: { kind: 'inline', data: new TextEncoder().encode(piece) } })
    }
    worker.answer(key)
    expect((await answer).outcome).toEqual({ kind: 'streamed' })
    expect(pieces).toEqual(['a', 'b'])
  })
})

describe('workers', () => {
  test('that die are replaced at once, and their jobs are tried again', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answer = s.infer()
    s.workers.started[0]?.exit({ signal: 'SIGSEGV', stderr: ['last words'] })
    await settle()
    const second = s.workers.started[1]!
    second.answer(second.jobs[0]!.key, textOutcome('at last'))
    expect(text(await answer)).toBe('at last')
    expect((await answer).job.timing.replays).toBe(1)
    const [worker] = s.catalog.describe('m', undefined)[0]!.workers
    expect(worker).toMatchObject({ id: '9000', status: 'READY', restarts: 1 })
    expect(worker?.lastFailure).toEqual({ message: 'killed by SIGSEGV', stderr: ['last words'] })
  })

  test('that die twice with the same job alone fail it, with their last words', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answer = s.infer()
    for (const turn of [0, 1]) {
      s.workers.started[turn]?.exit({ code: 139, stderr: ['boom'] })
      await settle()
    }
    expect((await answer).outcome).toEqual({
      kind: 'died',
      message: 'exited with code 139',
      stderr: ['boom'],
    })
  })

  test('that do not answer in time are killed, and the job gets its time-out', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answer = s.infer()
    s.clock.advance(10_000)
    expect((await answer).outcome).toEqual({ kind: 'timed-out', phase: 'response' })
    await settle()
    expect(s.workers.alive()).toHaveLength(1)
    expect(s.workers.started).toHaveLength(2)
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]?.lastFailure?.message).toBe(
      'killed: it gave no sign of life for 10000 ms while it ran a batch',
    )
  })

  test('whose start fails wait longer each time, while jobs keep waiting, and jobs are answered when one comes up', async () => {
    let behaviour: Behaviour = 'fails'
    const s = server({ behaviour: () => behaviour })
    const { ready } = await s.catalog.register({ url: 'm-1.mar', synchronous: false })
    await expect(ready).rejects.toThrow('Failed to start workers for model m version: 1')
    const answer = s.infer()
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]).toMatchObject({
      state: 'waiting',
      status: 'UNLOADING',
    })
    for (const [waitMs, starts] of [
      [1000, 2],
      [1000, 3],
      [2000, 4],
    ] as const) {
      s.clock.advance(waitMs - 1)
      await settle()
      expect(s.workers.started).toHaveLength(starts - 1)
      s.clock.advance(1)
      await settle()
      expect(s.workers.started).toHaveLength(starts)
    }
    behaviour = 'answers'
    s.clock.advance(3000)
    expect(text(await answer)).toBe('r1')
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]?.failingSince).toBeUndefined()
  })

  test('that all fail beyond the recovery window leave nobody waiting, and new requests are refused', async () => {
    const s = server({ behaviour: () => 'fails' })
    await s.catalog.register({ url: 'm-1.mar', synchronous: false })
    await settle()
    const answer = s.infer()
    for (let second = 0; second < 700; second++) {
      s.clock.advance(1000)
      await settle()
    }
    expect((await answer).outcome.kind).toBe('refused')
    await expect(s.infer()).rejects.toMatchObject({ code: 'no-worker' })
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]?.failingSince).toMatch(/^\d{4}-/)
  })

  test('that are given up between two starts refuse what waits at once', async () => {
    const s = server({ behaviour: () => 'fails', config: { recoveryWindowMs: 5500 } })
    await s.catalog.register({ url: 'm-1.mar', synchronous: false })
    await settle()
    const answer = s.infer()
    for (let second = 0; second < 5; second++) {
      s.clock.advance(1000)
      await settle()
    }
    const starts = s.workers.started.length
    expect(s.catalog.describe('m', undefined)[0]).toMatchObject({
      recoveryWindowMs: 5500,
      workers: [{ isGivenUp: false }],
    })
    s.clock.advance(501)
    expect((await answer).outcome.kind).toBe('refused')
    await expect(s.infer()).rejects.toMatchObject({ code: 'no-worker' })
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]?.isGivenUp).toBe(true)
    expect(s.workers.started).toHaveLength(starts)
  })

  test('that do not load within the startup timeout are killed and count as failed', async () => {
    const s = server({ behaviour: () => 'manual' })
    const { ready } = await s.catalog.register({ url: 'm-1.mar', synchronous: false })
    await settle()
    s.clock.advance(20_000)
    await expect(ready).rejects.toThrow('Failed to start workers')
    expect(s.catalog.describe('m', undefined)[0]?.workers[0]?.lastFailure?.message).toContain(
      'startup timeout of 20000 ms',
    )
  })

  test('start two at a time, numbered from 9000, and share the cores', async () => {
    const s = server({ behaviour: () => 'manual' })
    void s.catalog.register({ url: 'm-1.mar', initialWorkers: 4, synchronous: false })
    await settle()
    expect(s.workers.started.map((worker) => worker.spec.slot)).toEqual([9000, 9001])
    expect(s.workers.started[0]?.spec.load.threads).toBe(1)
    s.workers.started[0]?.say({ kind: 'loaded', credit: 2 })
    await settle()
    expect(s.workers.started.map((worker) => worker.spec.slot)).toEqual([9000, 9001, 9002])
    expect(s.catalog.describe('m', undefined)[0]?.workers).toHaveLength(4)
  })

  test('scale up and down by their newest, which finish their work first; numbers are never used again', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    await s.catalog.scale('m', undefined, { min: 3, max: 3 }).ready
    const ids = () => s.catalog.describe('m', undefined)[0]?.workers.map(({ id }) => id)
    expect(ids()).toEqual(['9000', '9001', '9002'])
    const answer = s.infer() // the worker that became idle last gets it
    const busy = s.workers.started[2]!
    await s.catalog.scale('m', undefined, { min: 1, max: 1 }).ready
    await settle()
    expect(ids()).toEqual(['9000'])
    expect(s.workers.alive().map((worker) => worker.spec.slot)).toEqual([9000, 9002])
    busy.answer(busy.jobs[0]!.key, textOutcome('done'))
    expect(text(await answer)).toBe('done')
    await settle()
    expect(s.workers.alive().map((worker) => worker.spec.slot)).toEqual([9000])
    await s.catalog.scale('m', undefined, { min: 2, max: 2 }).ready
    expect(ids()).toEqual(['9000', '9003'])
  })

  test('are scraped by their load time until they have ended for good, not beyond', async () => {
    const metrics = createMetrics()
    const s = server({ metrics: exportedMetrics(metrics, memoryLogger([])) })
    const scraped = () =>
      [...metrics.text(new Set()).matchAll(/^WorkerLoadTime\{WorkerName="([^"]+)"/gm)].map(([, name]) => name)
    await s.register('m-1.mar')
    await s.catalog.scale('m', undefined, { min: 2, max: 2 }).ready
    expect(scraped()).toEqual(['W-9000-m_1', 'W-9001-m_1'])
    s.workers.started[0]?.exit({ code: 1 })
    await settle()
    expect(scraped(), 'a slot goes on with another process').toEqual(['W-9000-m_1', 'W-9001-m_1'])
    await s.catalog.scale('m', undefined, { min: 1, max: 1 }).ready
    await settle()
    expect(scraped()).toEqual(['W-9000-m_1'])
    await s.catalog.unregister('m', '1')
    await settle()
    expect(scraped()).toEqual([])
  })

  test('scaled to none work off the queue first', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answers = [s.infer(), s.infer()]
    await s.catalog.scale('m', undefined, { min: 0, max: 0 }).ready
    await expect(s.infer()).rejects.toMatchObject({ code: 'no-worker' })
    const worker = s.workers.started[0]!
    for (const job of worker.jobs) worker.answer(job.key, textOutcome(job.id))
    expect((await Promise.all(answers)).map(text)).toEqual(['r1', 'r2'])
    await settle()
    expect(s.workers.alive()).toEqual([])
  })

  test('report their metrics and their log', async () => {
    const seen: unknown[] = []
    const spy = vi
      .spyOn(noMetrics, 'fromHandler')
      .mockImplementation((source, { name }) => void seen.push({ ...source, name }))
    const s = server()
    await s.register('m-1.mar')
    s.workers.started[0]?.say({
      kind: 'metric',
      name: 'hits',
      type: 'counter',
      value: 1,
      unit: '',
      labels: {},
    })
    s.workers.started[0]?.say({ kind: 'log', level: 'warn', message: 'careful', id: 'r7' })
    expect(seen).toEqual([{ model: 'm', version: '1', name: 'hits' }])
    expect(s.records).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'careful',
        fields: { model: 'm', version: '1', worker: 9000, id: 'r7', logger: 'MODEL_LOG' },
      }),
    )
    spy.mockRestore()
  })
})

describe('warm-up', () => {
  async function withExample(expected: number) {
    const folder = join(store, 'MAR-INF/marina/examples')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'seven.png'), 'pixels')
    const clock = manualClock()
    const records: LogRecord[] = []
    const workers = memoryWorkers({ answer: () => textOutcome('{"pred":7}') })
    const request = { name: 'seven', file: 'seven.png', contentType: 'image/png', expect: { pred: expected } }
    const serving = createServing({
      config: { ...baseConfig, modelStore: store, verboseErrors: true },
      factory: workers.factory,
      openGeneration: (path) =>
        Promise.resolve({ ...generationOf(path, () => undefined), examples: { requests: [request] } }),
      clock,
      log: memoryLogger(records),
      metrics: noMetrics,
    })
    return { serving, workers, records }
  }

  test('each worker answers the examples of its archive before it is ready', async () => {
    const { serving, workers } = await withExample(7)
    const { ready } = await serving.catalog.register({ url: 'm-1.mar', initialWorkers: 2 })
    await ready
    expect(workers.started.map((worker) => worker.jobs.map((job) => job.id))).toEqual([
      ['warm-up-seven'],
      ['warm-up-seven'],
    ])
  })

  test('a broken promise fails the load, and the registration leaves nothing behind', async () => {
    const { serving, workers, records } = await withExample(8)
    const { ready } = await serving.catalog.register({ url: 'm-1.mar' })
    await expect(ready).rejects.toThrow('pred is 7, not 8')
    expect(serving.catalog.list()).toEqual([])
    expect(workers.alive()).toEqual([])
    expect(records.some(({ level, message }) => level === 'error' && message.includes('seven'))).toBe(true)
  })
})

describe('the catalog', () => {
  test('lists names in order, with default versions, and describes one version or all', async () => {
    const s = server()
    await s.register('other.mar')
    await s.register('m-2.mar')
    await s.register('m-1.mar')
    expect(s.catalog.list()).toEqual([
      { modelName: 'm', modelUrl: 'm-2.mar', defaultVersion: '2', versions: ['2', '1'] },
      { modelName: 'other', modelUrl: 'other.mar', defaultVersion: '1.0', versions: ['1.0'] },
    ])
    expect(
      s.catalog.describe('m', 'all').map(({ modelVersion, isDefault }) => [modelVersion, isDefault]),
    ).toEqual([
      ['2', true],
      ['1', false],
    ])
    expect(s.catalog.describe('m', undefined)[0]).toMatchObject({
      modelVersion: '2',
      minWorkers: 1,
      maxWorkers: 1,
      queue: { capacity: 2, pending: 0 },
      loadedAtStartup: false,
    })
  })

  test('takes a name and version once', async () => {
    const s = server()
    await s.register('m-1.mar')
    await expect(s.register('m-1.mar')).rejects.toMatchObject({
      code: 'conflict',
      message: 'Model version 1 is already registered for model m',
    })
    expect(s.open).toHaveLength(1)
    const both = await Promise.allSettled([s.register('m-2.mar'), s.register('m-2.mar')])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('needs a name from the registration, the archive or, at the start, the file', async () => {
    const s = server()
    await expect(s.register('nameless.mar')).rejects.toMatchObject({
      code: 'invalid-archive',
      message: 'Model name is not defined.',
    })
    expect(s.open).toEqual([])
    expect((await s.register('nameless.mar', { modelName: 'given' })).name).toBe('given')
    expect((await s.register('nameless.mar', { loadedAtStartup: true })).name).toBe('nameless')
    await expect(s.register('m-1.mar', { modelName: 'a/b' })).rejects.toThrow('contains special characters')
  })

  test('lets a registration decide over the configuration', async () => {
    const s = server()
    await s.register('m-1.mar', { handler: 'mine.js', batchSize: 8, responseTimeoutMs: 1 })
    expect(s.workers.started[0]?.spec.load).toMatchObject({
      handler: 'mine.js',
      batchSize: 8,
      retryItems: true,
    })
    expect(s.catalog.describe('m', undefined)[0]).toMatchObject({
      batchSize: 8,
      responseTimeoutMs: 1,
      startupTimeoutMs: 20_000,
    })
  })

  test('takes a failed synchronous registration back, with workers and folder', async () => {
    const s = server({ behaviour: () => 'fails' })
    const { ready } = await s.catalog.register({ url: 'm-1.mar', initialWorkers: 2 })
    await expect(ready).rejects.toMatchObject({ code: 'worker-failed' })
    expect(s.catalog.list()).toEqual([])
    expect(s.open).toEqual([])
    expect(s.workers.alive()).toEqual([])
  })

  test('tells a worker that ran out of memory from others', async () => {
    const s = server({ behaviour: () => 'manual' })
    const { ready } = await s.catalog.register({ url: 'm-1.mar' })
    await settle()
    s.workers.started[0]?.say({ kind: 'load-failed', message: 'MemoryError', outOfMemory: true })
    s.workers.started[0]?.exit({ code: 1 })
    await expect(ready).rejects.toMatchObject({ code: 'worker-out-of-memory', status: 507 })
  })

  test('keeps the default version while there are others', async () => {
    const s = server()
    await s.register('m-1.mar')
    await s.register('m-2.mar')
    await expect(s.catalog.unregister('m', undefined)).rejects.toMatchObject({
      status: 403,
      message: 'Cannot remove default version for model m',
    })
    await s.catalog.unregister('m', '2')
    await s.catalog.unregister('m', undefined)
    expect(s.catalog.list()).toEqual([])
    expect(s.open).toEqual([])
    await expect(s.catalog.unregister('m', undefined)).rejects.toThrow('Model not found: m')
  })

  test('drains a version that is unregistered: what runs and waits is answered, what comes is not found', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answers = [s.infer(), s.infer()]
    const gone = s.catalog.unregister('m', undefined)
    await expect(s.infer()).rejects.toMatchObject({ code: 'model-not-found' })
    const worker = s.workers.started[0]!
    for (const { key, id } of worker.jobs) worker.answer(key, textOutcome(id))
    expect((await Promise.all(answers)).map(text)).toEqual(['r1', 'r2'])
    await gone
    expect(s.workers.alive()).toEqual([])
  })

  test('waits for running jobs no longer than the drain time', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answers = [s.infer(), s.infer()]
    const gone = s.catalog.unregister('m', undefined)
    s.clock.advance(5000)
    await gone
    expect((await Promise.all(answers)).map(({ outcome }) => outcome.kind)).toEqual(['refused', 'refused'])
    expect(s.workers.alive()).toEqual([])
  })

  test('waits for a worker that is being replaced when it drains', async () => {
    const s = server({ behaviour: () => 'loads' })
    await s.register('m-1.mar')
    const answer = s.infer()
    const closed = s.catalog.close()
    s.workers.started[0]?.exit({ signal: 'SIGKILL' })
    await settle()
    const second = s.workers.started[1]!
    second.answer(second.jobs[0]!.key, textOutcome('after all'))
    expect(text(await answer)).toBe('after all')
    await closed
    await expect(s.register('m-1.mar')).rejects.toMatchObject({ code: 'no-worker' })
    expect(s.open).toEqual([])
  })

  test('refuses what cannot be', async () => {
    const s = server()
    await s.register('m-1.mar')
    const message = (act: () => unknown) => {
      try {
        act()
      } catch (error) {
        return error instanceof MarinaError ? `${error.status} ${error.message}` : 'a defect'
      }
      return 'nothing thrown'
    }
    expect(message(() => s.catalog.scale('x', undefined, { min: 2, max: 1 }))).toBe(
      '400 max_worker cannot be less than min_worker.',
    )
    expect(message(() => s.catalog.scale('m', undefined, { min: -1, max: 1 }))).toBe(
      '400 min_worker must be 0 or more, not -1.',
    )
    expect(message(() => s.catalog.scale('x', undefined, { min: 1, max: 1 }))).toBe('404 Model not found: x')
    expect(message(() => s.catalog.setDefault('m', '9'))).toBe(
      '404 Model version 9 does not exist for model m',
    )
    expect(message(() => s.catalog.describe('m', '9'))).toBe(
      '404 Model version: 9 does not exist for model: m',
    )
  })
})
