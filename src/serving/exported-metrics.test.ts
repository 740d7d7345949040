/** What of a request is counted, and under which labels (contract metrics §6, §14.8, §14.12). */
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { manualClock } from '../clock.js'
import { MarinaError } from '../errors.js'
import { memoryLogger, type LogRecord } from '../log.js'
import { createMetrics } from '../metrics/metrics.js'
import { createKeySource } from './create-job.js'
import { exportedMetrics } from './exported-metrics.js'
import { createInfer, type Acceptor } from './infer.js'
import type { InferenceRequest, LiveJob, Outcome } from './job.js'
import { createRegistry, type GenerationId } from './registry.js'

/** The model m with a version 1.0, whose jobs end as the test says, or are refused at the door. */
function serving() {
  const records: LogRecord[] = []
  const metrics = createMetrics({ own: false })
  const exported = exportedMetrics(metrics, memoryLogger(records))
  let end: Outcome | MarinaError = { kind: 'streamed' }
  const version: Acceptor = {
    version: '1.0',
    clientTimeoutMs: Infinity,
    accept(job: LiveJob) {
      if (end instanceof MarinaError) throw end
      job.timing.startedMs = job.timing.settledMs = 7
      job.reply.settle(end)
    },
    giveUp: () => undefined,
  }
  const registry = createRegistry<Acceptor>()
  registry.add({ model: 'm', version: '1.0', generation: 1 as GenerationId }, version)
  const infer = createInfer({
    registry,
    clock: manualClock(),
    metrics: exported,
    nextKey: createKeySource(),
  })
  const samples = () =>
    metrics
      .text(new Set())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
  return {
    exported,
    records,
    samples,
    valueOf: (name: string, label: string) => {
      const start = `${name}{model_name="m",model_version="${label}",hostname="${hostname()}",} `
      return samples()
        .find((line) => line.startsWith(start))
        ?.slice(start.length)
    },
    infer: (model: string, named?: string, ended: Outcome | MarinaError = { kind: 'streamed' }) => {
      end = ended
      return infer(requestOf(model, named)).catch((error: unknown) => error)
    },
  }
}

const requestOf = (model: string, version: string | undefined): InferenceRequest => ({
  id: 'r',
  model,
  version,
  operation: 'predict',
  headers: {},
  input: { kind: 'parts', parts: [] },
  signal: new AbortController().signal,
  receivedMs: 0,
})

const failed = (reason: 'rejected' | 'exception' | 'invalid-output'): Outcome => ({
  kind: 'failed',
  reason,
  status: 500,
  message: '',
})

/** The three counters after two such requests, of which one names its version, under the labels of each. */
async function countersOf(end: Outcome | MarinaError) {
  const { infer, valueOf } = serving()
  await infer('m', undefined, end)
  await infer('m', '1.0', end)
  const values = (name: string) => [valueOf(name, 'default'), valueOf(name, '1.0')]
  return {
    requests: values('ts_inference_requests_total'),
    latency: values('ts_inference_latency_microseconds'),
    queue: values('ts_queue_latency_microseconds'),
  }
}

test.each<[string, Outcome]>([
  ['is answered, whatever the status', { kind: 'ok', status: 500, headers: {}, body: new Uint8Array() }],
  ['is streamed', { kind: 'streamed' }],
  ['its handler fails on purpose', failed('rejected')],
])('a request that %s counts with its times, once', async (_, end) => {
  expect(await countersOf(end)).toEqual({
    requests: ['1.0', '1.0'],
    latency: ['7000.0', '7000.0'],
    queue: ['7000.0', '7000.0'],
  })
})

const never = [undefined, undefined]
test.each<[string, Outcome | MarinaError]>([
  ['raises', failed('exception')],
  ['has no valid output', failed('invalid-output')],
  ['dies with its worker', { kind: 'died', message: '', stderr: [] }],
  ['takes too long', { kind: 'timed-out', phase: 'response' }],
  ['its caller gives up', { kind: 'cancelled', place: 'queued' }],
  ['finds no room', new MarinaError('queue-full', 'full')],
  ['finds no worker', new MarinaError('no-worker', 'none')],
])('a request that %s counts without times', async (_, end) => {
  expect(await countersOf(end)).toEqual({ requests: ['1.0', '1.0'], latency: never, queue: never })
})

test('ten thousand names of models and versions that are not there make no series', async () => {
  const { infer, samples } = serving()
  await infer('m')
  const before = samples()
  for (let at = 0; at < 5_000; at++) {
    expect(await infer(`none-${at}`)).toMatchObject({ code: 'model-not-found' })
    expect(await infer('m', `1.${at + 1}`)).toMatchObject({ code: 'version-not-found' })
  }
  expect(samples()).toEqual(before)
})

test('a handler’s metric that cannot be taken is logged once', () => {
  const { exported, records } = serving()
  const source = { model: 'm', version: '1.0' }
  const metric = { kind: 'metric', name: '9-lives', type: 'counter', value: 1, unit: '', labels: {} } as const
  exported.fromHandler(source, metric)
  exported.fromHandler(source, metric)
  expect(records.map(({ message }) => message)).toEqual([
    'The metric 9-lives of m is dropped: its name is not a Prometheus name.',
  ])
})
