/** `model-config.yaml`, and which source wins for one model. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultConfig, loadConfig } from './load.js'
import { modelFileOf, resolveModel, type ModelRequest } from './model-config.js'
import { parseProperties } from './properties.js'

const read = (text: string) => modelFileOf(parse(text)).file

describe('the file', () => {
  test('says what TorchServe reads from it, seconds as milliseconds', () => {
    const text =
      'minWorkers: 1\nmaxWorkers: 2\nbatchSize: 4\nmaxBatchDelay: 50\nresponseTimeout: 60\njobQueueSize: 7'
    expect(read(`${text}\nhandler:\n  mine: 1`)).toMatchObject({
      minWorkers: 1,
      maxWorkers: 2,
      batchSize: 4,
      maxBatchDelayMs: 50,
      responseTimeoutMs: 60_000,
      startupTimeoutMs: undefined,
      jobQueueSize: 7,
    })
  })

  test.each([
    ['minWorkers: 0\nmaxWorkers: 3', { minWorkers: 1, maxWorkers: 3 }],
    ['minWorkers: 3\nmaxWorkers: 2', { minWorkers: undefined }],
    ['minWorkers: 3', { minWorkers: undefined }],
    ['batchSize: 0', { batchSize: 1 }],
    ['maxBatchDelay: -1\nresponseTimeout: 0', { maxBatchDelayMs: undefined, responseTimeoutMs: undefined }],
  ])('%j', (text, settings) => {
    expect(read(text)).toMatchObject(
      Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    )
    for (const [key, value] of Object.entries(settings))
      expect(read(text)[key as keyof typeof settings]).toBe(value)
  })

  test.each([
    ['maxRetryTimeoutInSec: 7', 7000],
    ['maxRetryTimeoutInSec: 0', 300_000],
    ['', 300_000],
  ])('%j gives workers that fail their recovery window', (text, recoveryWindowMs) => {
    const sources = { name: 'm', version: '1.0', file: read(text), request: {}, cores: 2 }
    const { workerLife } = resolveModel({ ...sources, config: defaultConfig('torchserve') })
    expect(workerLife.recoveryWindowMs).toBe(recoveryWindowMs)
  })

  test.each([
    ['', 'marina', { queueTimeMs: 200, upCooldownMs: 5000, downCooldownMs: 60_000 }],
    ['', 'torchserve', undefined],
    ['scaleWorkers: false', 'marina', undefined],
    [
      'scaleWorkers: true\nscaleQueueTime: 50\nscaleUpCooldown: 1\nscaleDownCooldown: 600',
      'torchserve',
      { queueTimeMs: 50, upCooldownMs: 1000, downCooldownMs: 600_000 },
    ],
  ] as const)('%j under %s: the number of workers follows the load by %j', (text, profile, scaling) => {
    const sources = { name: 'm', version: '1.0', file: read(text), request: {}, cores: 2 }
    const { workerLife } = resolveModel({ ...sources, config: defaultConfig(profile) })
    expect(workerLife.scaling).toEqual(scaling)
  })

  test('says what its jobs may do; 0 lifts a limit of the server', () => {
    expect(
      read(
        'useJobTicket: true\nclientTimeoutInMills: 250\nmaxJobs: 9\nfixedBatches: true\npreloadWorkers: true',
      ),
    ).toMatchObject({
      jobTickets: true,
      clientTimeoutMs: 250,
      maxJobs: 9,
      fixedBatches: true,
      preloadWorkers: true,
    })
    expect(read('clientTimeoutInMills: 0\nmaxJobs: 0')).toMatchObject({ clientTimeoutMs: 0, maxJobs: 0 })
    expect(read('clientTimeoutInMills: -1').clientTimeoutMs).toBeUndefined()
  })

  test.each([
    ['', undefined],
    ['recycleAfterJobs: 0\nrecycleAboveMemory: 0', undefined],
    ['recycleAfterJobs: 1000', { afterJobs: 1000, aboveBytes: 0 }],
    ['recycleAboveMemory: 512m', { afterJobs: 0, aboveBytes: 512 * 2 ** 20 }],
    ['recycleAboveMemory: 1000000', { afterJobs: 0, aboveBytes: 1_000_000 }],
  ])('%j: workers are replaced by %j', (text, recycling) => {
    const sources = { name: 'm', version: '1.0', file: read(text), request: {}, cores: 2 }
    const { workerLife } = resolveModel({ ...sources, config: defaultConfig('marina') })
    expect(workerLife.recycling).toEqual(recycling)
  })

  test.each(['recycleAboveMemory: much', 'recycleAfterJobs: -1', 'recycleAfterJobs: [1]'])(
    '%j is left out with a warning that names it',
    (text) => {
      const { file, warnings } = modelFileOf(parse(text))
      expect(file.workerLife).toMatchObject({ recycleAfterJobs: undefined, recycleAboveBytes: undefined })
      expect(warnings).toEqual([expect.stringContaining(`${text.split(':')[0] ?? ''} must be a`)])
    },
  )

  test.each([
    ['', { type: undefined, ids: undefined, parallelType: undefined, parallelLevel: 0 }],
    ['deviceType: gpu\ndeviceIds: [0, 2]', { type: 'gpu', ids: [0, 2] }],
    ['parallelType: custom\nparallelLevel: 4', { parallelType: 'custom', parallelLevel: 4 }],
    ['deviceType: CPU\nparallelType: Custom', { type: 'cpu', parallelType: 'custom' }],
    ['parallelLevel: 4', { parallelType: undefined, parallelLevel: 0 }],
    ['parallelType: tp\ntorchrun:\n  nproc-per-node: 2', { parallelType: 'tp', parallelLevel: 2 }],
  ])('%j: workers run on %j', (text, devices) => {
    expect(read(text).devices).toMatchObject(devices)
  })

  test.each([
    'deviceType: tpu',
    'deviceType: " gpu"',
    'deviceIds: 0',
    'deviceIds: [0, x]',
    'deviceIds: []',
    'parallelType: all',
  ])('%j names no device, and is left out with a warning', (text) => {
    const { file, warnings } = modelFileOf(parse(text))
    expect(file.devices).toEqual(read('').devices)
    expect(warnings).toEqual([expect.stringContaining(`${text.split(':')[0] ?? ''} must be `)])
  })

  test('a value of the wrong type is left out with a warning', () => {
    const { file, warnings } = modelFileOf({ batchSize: 'many', retryItems: 1, maxBatchDelay: 1.5 })
    expect(file).toMatchObject({ batchSize: undefined, retryItems: undefined, maxBatchDelayMs: undefined })
    expect(warnings).toHaveLength(3)
  })

  test.each(['', '- 1', 'word', '__proto__:\n  batchSize: 9'])('%j says nothing', (text) => {
    expect(read(text).batchSize).toBeUndefined()
  })
})

describe('precedence', () => {
  const json = 'models={"m":{"1.0":{"minWorkers":3,"maxWorkers":4,"batchSize":5,"responseTimeout":30}}}'
  const config = (text = json) =>
    loadConfig({
      profile: 'torchserve',
      flags: new Map(),
      environment: {},
      models: [],
      file: parseProperties(Buffer.from(text), 'f'),
    })
  const resolve = (text: string, request: ModelRequest = {}, from = config()) =>
    resolveModel({ name: 'm', version: '1.0', file: read(text), request, config: from, cores: 2 })

  test('batches: request, file, JSON, default', () => {
    expect(resolve('batchSize: 6', { batchSize: 7 }).batchSize).toBe(7)
    expect(resolve('batchSize: 6').batchSize).toBe(6)
    expect(resolve('').batchSize).toBe(5)
    expect(resolve('', {}, config('')).batchSize).toBe(1)
  })

  test('time-outs: file, JSON, request, default', () => {
    expect(resolve('responseTimeout: 9', { responseTimeoutMs: 1 }).responseTimeoutMs).toBe(9000)
    expect(resolve('batchSize: 1', { responseTimeoutMs: 1 }).responseTimeoutMs).toBe(30_000)
    expect(resolve('', { responseTimeoutMs: 1 }, config('')).responseTimeoutMs).toBe(1)
    expect(resolve('', {}, config('default_response_timeout=8')).responseTimeoutMs).toBe(8000)
  })

  test('limits of jobs: file, default', () => {
    const limited = config('max_jobs=9\ndefault_client_timeout=250\nuse_job_ticket=true\nfixed_batches=true')
    const limits = { maxJobs: 9, clientTimeoutMs: 250, jobTickets: true, fixedBatches: true }
    expect(resolve('', {}, limited)).toMatchObject(limits)
    const file = 'maxJobs: 0\nclientTimeoutInMills: 0\nuseJobTicket: false\nfixedBatches: false'
    const none = { maxJobs: 0, clientTimeoutMs: 0, jobTickets: false, fixedBatches: false }
    expect(resolve(file, {}, limited)).toMatchObject(none)
    expect(resolve('')).toMatchObject(none)
  })

  test('runtime: the JSON beats the others, where it names one that there is', () => {
    const named = (runtime: string) => config(`models={"m":{"1.0":{"runtimeType":"${runtime}"}}}`)
    expect(resolve('', {}, named('python3')).runtime).toBe('python3')
    expect(resolve('', {}, named('ruby')).runtime).toBeUndefined()
    expect(resolve('', { exact: true }, named('python3')).runtime).toBeUndefined()
  })

  const workers = (...given: Parameters<typeof resolve>) => {
    const { minWorkers, maxWorkers } = resolve(...given)
    return [minWorkers, maxWorkers]
  }

  test('workers at the start: file, JSON, default, cores', () => {
    const loadedAtStartup = true
    expect(workers('minWorkers: 1\nmaxWorkers: 9', { loadedAtStartup })).toEqual([1, 9])
    expect(workers('', { loadedAtStartup })).toEqual([3, 4])
    expect(workers('', { loadedAtStartup }, config('default_workers_per_model=6'))).toEqual([6, 6])
    expect(workers('', { loadedAtStartup }, config(''))).toEqual([2, 2])
    expect(workers('', { loadedAtStartup }, defaultConfig('marina'))).toEqual([1, 1])
  })

  test('what a snapshot says beats the file and the JSON', () => {
    const request = { exact: true, initialWorkers: 7, responseTimeoutMs: 1, startupTimeoutMs: 2 }
    const file = 'minWorkers: 1\nmaxWorkers: 9\nresponseTimeout: 9\nstartupTimeout: 9\njobQueueSize: 3'
    expect(resolve(file, request)).toMatchObject({
      minWorkers: 7,
      maxWorkers: 7,
      responseTimeoutMs: 1,
      startupTimeoutMs: 2,
      jobQueueSize: 3,
    })
  })

  test('workers of a registration: file, request, default; never the JSON', () => {
    expect(workers('minWorkers: 1\nmaxWorkers: 9', { initialWorkers: 2 })).toEqual([1, 9])
    expect(workers('', { initialWorkers: 2 })).toEqual([2, 2])
    expect(workers('')).toEqual([0, 0])
  })
})
