/** What is counted, in each mode (contract metrics §4–6, §8–10, §13). */
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { builtInDefinitions, type MetricDefinition } from './definitions.js'
import { createMetrics, type Metrics, type MetricsOptions, type SettledRequest } from './metrics.js'

const host = hostname()
const LEVEL = `{Level="Host",Hostname="${host}",}`
const everything = (metrics: Metrics) => metrics.text(new Set())

/** The samples of one name, as label text and value. */
const samples = (metrics: Metrics, name: string): string[] =>
  everything(metrics)
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length))

/** Metrics in a mode, with the lines of both logs and what was complained of. */
function made(options: MetricsOptions = {}) {
  const said = { frontend: [] as string[], model: [] as string[], complaints: [] as string[] }
  const metrics = createMetrics({
    writeFrontend: (line) => said.frontend.push(line),
    writeModel: (line) => said.model.push(line),
    complain: (line) => said.complaints.push(line),
    ...options,
  })
  return { metrics, ...said }
}

const settled = (facts: Partial<SettledRequest> = {}): SettledRequest => ({
  model: 'm',
  version: '1.0',
  requestedVersion: undefined,
  id: 'r',
  outcome: 'ok',
  answered: true,
  phases: {
    decode: 0,
    queue: 0.002,
    preprocess: 0,
    inference: 0.01,
    postprocess: 0,
    transfer: 0.0035,
    total: 0.013,
  },
  replays: 0,
  ...facts,
})

const own = { name: 'digits_seen', type: 'counter', unit: 'count', value: 1, labels: {} } as const
const definition = (name: string, more: Partial<MetricDefinition> = {}): MetricDefinition => ({
  name,
  type: 'counter',
  unit: 'Count',
  dimensions: [],
  ...more,
})

describe('a scrape in prometheus mode', () => {
  test('has TorchServe’s families from the beginning, with and without samples', () => {
    const text = everything(createMetrics({ own: false }))
    const names = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name)
    expect(names).toEqual(
      [...builtInDefinitions.frontend, ...builtInDefinitions.model].map(({ name }) => name),
    )
    expect(text).toContain(
      '# HELP ts_inference_requests_total Torchserve prometheus counter metric with unit: Count\n' +
        '# TYPE ts_inference_requests_total counter\n',
    )
    expect(text.endsWith('\n')).toBe(true)
  })

  test('matches the patterns of TorchServe’s own tests exactly once', () => {
    const { metrics } = made()
    for (const status of [200, 404, 503, 302]) metrics.countStatus(status)
    for (const name of ['Requests2XX', 'Requests4XX', 'Requests5XX']) {
      const pattern = new RegExp(`${name}\\{Level="Host",Hostname=".+",\\} \\d+\\.\\d+`, 'g')
      expect(everything(metrics).match(pattern)).toHaveLength(1)
      expect(everything(metrics).match(new RegExp(`TYPE ${name} counter`, 'g'))).toHaveLength(1)
    }
    expect(samples(metrics, 'Requests5XX'), 'every other status').toEqual([`${LEVEL} 2.0`])
  })

  test('counts requests under the version that the client named, or the word default', () => {
    const { metrics } = made()
    metrics.countReceived('m', undefined)
    metrics.countReceived('m', undefined)
    metrics.countReceived('m', '2.0')
    expect(samples(metrics, 'ts_inference_requests_total')).toEqual([
      `{model_name="m",model_version="default",hostname="${host}",} 2.0`,
      `{model_name="m",model_version="2.0",hostname="${host}",} 1.0`,
    ])
  })

  test('sums latencies in microseconds, of answered requests only, and shows the last times as gauges', () => {
    const { metrics } = made()
    metrics.countReceived('m', undefined)
    metrics.settled(settled())
    metrics.settled(settled())
    metrics.settled(settled({ outcome: 'died', answered: false, replays: 2 }))
    const value = (name: string) => Number(samples(metrics, name)[0]?.split(' ')[1])
    expect(value('ts_inference_latency_microseconds')).toBeCloseTo(26_000)
    expect(value('ts_queue_latency_microseconds')).toBeCloseTo(4_000)
    expect([value('QueueTime'), value('WorkerThreadTime')]).toEqual([2, 3])
    expect(samples(metrics, 'PredictionTime')).toEqual([
      `{ModelName="m",Level="Model",Hostname="${host}",} 10.0`,
    ])
    expect(samples(metrics, 'inference_outcomes_total')).toEqual([
      '{model_name="m",model_version="1.0",outcome="ok",} 2.0',
      '{model_name="m",model_version="1.0",outcome="died",} 1.0',
    ])
    expect(samples(metrics, 'inference_replays_total')).toEqual(['{model_name="m",model_version="1.0",} 2.0'])
  })

  test('a handler that rejects a request is latency, and no prediction', () => {
    const { metrics } = made()
    metrics.settled(settled({ outcome: 'failed' }))
    expect(samples(metrics, 'ts_inference_latency_microseconds')).toHaveLength(1)
    expect(samples(metrics, 'PredictionTime')).toEqual([])
  })

  test('has the load time of a worker under TorchServe’s name of its thread', () => {
    const { metrics } = made()
    metrics.workerLoaded('W-9000-m_1.0', 2312)
    expect(samples(metrics, 'WorkerLoadTime')).toEqual([
      `{WorkerName="W-9000-m_1.0",Level="Host",Hostname="${host}",} 2312.0`,
    ])
  })

  test('shows the load time of a worker as long as its slot is there', () => {
    const { metrics } = made()
    metrics.workerLoaded('W-9000-m_1.0', 2312)
    metrics.workerLoaded('W-9001-m_1.0', 2000)
    metrics.workerEnded('W-9000-m_1.0')
    metrics.workerEnded('W-9002-m_1.0')
    expect(samples(metrics, 'WorkerLoadTime')).toEqual([
      `{WorkerName="W-9001-m_1.0",Level="Host",Hostname="${host}",} 2000.0`,
    ])
  })

  test('a histogram of a phase is cumulative, and counts a bound with what is below it', () => {
    const { metrics } = made()
    for (const total of [0.0001, 0.0002, 3, 100])
      metrics.settled(settled({ phases: { ...settled().phases, total } }))
    const bucket = (le: string) => {
      const lines = samples(metrics, 'inference_phase_seconds_bucket')
      const line = lines.find((text) => text.includes('phase="total"') && text.includes(`le="${le}"`))
      return Number(line?.split(' ').at(-1))
    }
    expect(['0.0001', '0.00025', '5.0', '10.0', '+Inf'].map(bucket)).toEqual([1, 2, 3, 3, 4])
  })

  test('refusals are counted by reason, and callers who hung up by where their request was', () => {
    const { metrics } = made()
    metrics.countRefused('m', { version: '1.0', reason: 'queue-full' })
    metrics.countRefused('m', { version: '1.0', reason: 'queue-full' })
    metrics.countHangUp('receiving')
    expect(samples(metrics, 'inference_refusals_total')).toEqual([
      '{model_name="m",model_version="1.0",reason="queue-full",} 2.0',
    ])
    expect(samples(metrics, 'inference_hang_ups_total')).toEqual(['{place="receiving",} 1.0'])
  })

  test('workers are counted that the load moved, and that had served long enough', () => {
    const { metrics } = made()
    metrics.countScaling('m', '1.0', 'up')
    metrics.countRecycling('m', '1.0', 'memory')
    const labels = 'model_name="m",model_version="1.0",'
    expect(samples(metrics, 'inference_worker_scalings_total')).toEqual([
      `{${labels}direction="up",} 1.0`,
      `{${labels}direction="down",} 0.0`,
    ])
    expect(samples(metrics, 'inference_worker_recyclings_total')).toEqual([
      `{${labels}cause="jobs",} 0.0`,
      `{${labels}cause="memory",} 1.0`,
    ])
  })

  test('queues, workers and restarts are read at the moment of the scrape', () => {
    const workers = [
      { state: 'ready', restarts: 2 },
      { state: 'ready', restarts: 1 },
      { state: 'waiting', restarts: 0 },
    ]
    let gauges = [{ model: 'm', version: '1.0', waiting: 5, workers }]
    const metrics = createMetrics({ gauges: () => gauges })
    const labels = 'model_name="m",model_version="1.0",'
    expect(samples(metrics, 'inference_queue_length')).toEqual([`{${labels}} 5.0`])
    expect(samples(metrics, 'inference_workers')).toEqual([
      `{${labels}state="ready",} 2.0`,
      `{${labels}state="waiting",} 1.0`,
    ])
    expect(samples(metrics, 'inference_worker_restarts')).toEqual([`{${labels}} 3.0`])
    gauges = []
    expect(samples(metrics, 'inference_workers'), 'nothing is left of a version that is gone').toEqual([])
  })

  test('a list of names keeps their samples and families, and drops the rest', () => {
    const { metrics } = made()
    metrics.countStatus(200)
    metrics.addFromHandler({ ...own, name: 'h', type: 'histogram' })
    expect(metrics.text(new Set(['Requests2XX', 'nothing_of_this_name'])).split('\n')).toEqual([
      '# HELP Requests2XX Torchserve prometheus counter metric with unit: Count',
      '# TYPE Requests2XX counter',
      `Requests2XX${LEVEL} 1.0`,
      '',
    ])
    expect(
      metrics
        .text(new Set(['h_sum']))
        .split('\n')
        .slice(2),
    ).toEqual([`h_sum{Hostname="${host}",} 1.0`, ''])
    expect(metrics.text(new Set(['h']))).toBe('')
  })

  test('label values and help texts are escaped', () => {
    const metrics = createMetrics({
      definitions: { frontend: [], model: [definition('a', { unit: 'x\\\ny', dimensions: ['l'] })] },
    })
    metrics.addFromHandler({ ...own, name: 'a', labels: { l: 'q"\\\n' } })
    expect(everything(metrics)).toContain(String.raw`unit: x\\\ny`)
    expect(samples(metrics, 'a')).toEqual([String.raw`{l="q\"\\\n",Hostname="${host}",} 1.0`])
  })

  test('a file may rename a dimension, change a type, and leave a metric out', () => {
    const frontend = [
      definition('Requests2XX', { dimensions: ['Where', 'Host'] }),
      definition('QueueTime', { type: 'histogram', dimensions: ['Level', 'Hostname'] }),
    ]
    const { metrics, complaints } = made({ definitions: { frontend, model: [] }, own: false, detect: false })
    metrics.countStatus(200)
    metrics.countStatus(500)
    metrics.settled(settled())
    expect(samples(metrics, 'Requests2XX')).toEqual([`{Where="Host",Host="${host}",} 1.0`])
    expect(samples(metrics, 'QueueTime_bucket')).toHaveLength(15)
    expect(everything(metrics)).not.toContain('Requests5XX')
    expect(complaints).toEqual([])
  })

  test('a metric whose file gives it another number of dimensions is dropped, and said once', () => {
    const frontend = [definition('ts_inference_requests_total', { dimensions: ['hostname'] })]
    const { metrics, complaints } = made({ definitions: { frontend, model: [] } })
    metrics.countReceived('m', undefined)
    metrics.countReceived('n', undefined)
    expect(samples(metrics, 'ts_inference_requests_total')).toEqual([])
    expect(complaints).toEqual([
      expect.stringMatching(/ts_inference_requests_total.* 3 values.* 1 dimensions/),
    ])
  })

  test('an extra metric of the host is updated by its name, an unknown one is ignored', () => {
    const frontend = [definition('Fans', { type: 'gauge', dimensions: ['Level', 'Hostname'] })]
    const { metrics } = made({ definitions: { frontend, model: [] } })
    metrics.addOfHost('Fans', 3, ['Host'])
    metrics.addOfHost('Unknown', 3, ['Host'])
    expect(samples(metrics, 'Fans')).toEqual([`${LEVEL} 3.0`])
    expect(everything(metrics)).not.toContain('Unknown')
  })
})

describe('a handler’s own metric', () => {
  test('becomes a family with its labels in its order, and the host', () => {
    const { metrics } = made()
    const metric = { ...own, labels: { Z: '1', A: '2' } }
    expect([metrics.addFromHandler(metric), metrics.addFromHandler({ ...metric, value: 2 })]).toEqual([
      undefined,
      undefined,
    ])
    expect(samples(metrics, 'digits_seen')).toEqual([`{Z="1",A="2",Hostname="${host}",} 3.0`])
  })

  test('has unit, type and label names of the file where that has it', () => {
    const model = [definition('a', { type: 'gauge', unit: 'things', dimensions: ['First', 'Second'] })]
    const { metrics } = made({ definitions: { frontend: [], model }, detect: false, own: false })
    expect(
      metrics.addFromHandler({ ...own, name: 'a', value: 5, labels: { x: '1', y: '2' } }),
    ).toBeUndefined()
    expect(everything(metrics)).toBe(
      '# HELP a Torchserve prometheus gauge metric with unit: things\n# TYPE a gauge\n' +
        `a{First="1",Second="2",Hostname="${host}",} 5.0\n`,
    )
    expect(metrics.addFromHandler({ ...own, name: 'a' })).toBe('its labels are First, Second')
  })

  test('is dropped where the file does not have it and none is detected', () => {
    const { metrics } = made({ detect: false })
    expect(metrics.addFromHandler(own)).toMatch(/does not define it/)
    expect(everything(metrics)).not.toContain('digits_seen')
  })

  test.each([
    ['a name that is none', { ...own, name: '9 lives' }, 'its name is not a Prometheus name'],
    ['a label that is none', { ...own, labels: { 'a-b': 'x' } }, 'its label "a-b" is not a Prometheus label'],
    ['a value that is no number', { ...own, value: Number.NaN }, 'its value is not a finite number'],
    ['a counter that falls', { ...own, value: -1 }, 'a counter cannot decrease'],
    ['no type', { name: 'a', unit: '', value: 1, labels: {} }, 'it has no type'],
    ['one of the server’s names', { ...own, name: 'Requests2XX' }, 'the server has a metric of this name'],
    ['one of our names', { ...own, name: 'inference_workers' }, 'the server has a metric of this name'],
  ])('with %s is refused with the reason', (_, metric, reason) => {
    expect(createMetrics().addFromHandler(metric)).toBe(reason)
  })

  test('that makes a label value of each request does not fill the memory', () => {
    const { metrics } = made()
    const refusals = Array.from({ length: 10_001 }, (_, i) =>
      metrics.addFromHandler({ ...own, labels: { id: String(i) } }),
    )
    expect(refusals.filter((refusal) => refusal !== undefined)).toEqual(['there are 10000 series already'])
  })

  test('that makes a name of each request does not either', () => {
    const { metrics } = made()
    const refusals = Array.from({ length: 201 }, (_, i) => metrics.addFromHandler({ ...own, name: `n${i}` }))
    expect(refusals.filter((refusal) => refusal !== undefined)).toEqual(['there are 200 metrics already'])
  })
})

describe('in log mode', () => {
  const END = `|#hostname:${host},timestamp:`
  const withoutTime = (lines: readonly string[]) =>
    lines.map((line) => line.replace(/timestamp:\d+$/, 'timestamp:'))

  test('each event is a line with its increment, and a scrape is empty', () => {
    const { metrics, frontend } = made({ mode: 'log' })
    metrics.countStatus(200)
    metrics.countStatus(200)
    metrics.countReceived('m', '2.0')
    expect(withoutTime(frontend)).toEqual([
      `Requests2XX.Count:1.0|#Level:Host${END}`,
      `Requests2XX.Count:1.0|#Level:Host${END}`,
      `ts_inference_requests_total.Count:1.0|#model_name:m,model_version:2.0${END}`,
    ])
    expect(Number(/timestamp:(\d+)$/.exec(frontend[0] ?? '')?.[1])).toBeCloseTo(Date.now() / 1000, -2)
    expect(everything(metrics)).toBe('')
  })

  test('lines of handlers name their requests, or null', () => {
    const { metrics, model } = made({ mode: 'log' })
    metrics.addFromHandler({ ...own, labels: { A: '1' }, id: 'r1,r2' })
    metrics.addFromHandler(own)
    metrics.settled(settled())
    const handler = (start: string, id: string) => `${start}|#hostname:${host},requestID:${id},timestamp:`
    expect(withoutTime(model)).toEqual([
      handler('digits_seen.count:1.0|#A:1', 'r1,r2'),
      handler('digits_seen.count:1.0|#A:', 'null').replace('|#A:', '|#'),
      handler('PredictionTime.ms:10.0|#ModelName:m,Level:Model', 'r'),
    ])
  })

  test('a name or a value cannot forge a field or a line', () => {
    const { metrics, frontend, model } = made({ mode: 'log' })
    metrics.countReceived('a|#hostname:evil,x:y\nRequests2XX', undefined)
    metrics.addFromHandler({ ...own, labels: { A: '\u001b[2J' }, id: 'r|\n' })
    expect(withoutTime(frontend)).toEqual([
      'ts_inference_requests_total.Count:1.0|#model_name:a%7C#hostname%3Aevil%2Cx%3Ay%0ARequests2XX,' +
        `model_version:default${END}`,
    ])
    expect(model[0]).toContain('|#A:%1B[2J|')
    expect(model[0]).toContain('requestID:r%7C%0A,')
  })

  test('names and values are paired as far as both go', () => {
    const frontend = [definition('ts_inference_requests_total', { dimensions: ['model_name'] })]
    const { metrics, frontend: lines } = made({ mode: 'log', definitions: { frontend, model: [] } })
    metrics.countReceived('m', undefined)
    expect(withoutTime(lines)).toEqual([`ts_inference_requests_total.Count:1.0|#model_name:m${END}`])
  })
})

test('in legacy mode three counters are scraped, and the rest is logged', () => {
  const { metrics, frontend, model } = made({ mode: 'legacy' })
  metrics.countStatus(200)
  metrics.countReceived('m', undefined)
  metrics.settled(settled())
  metrics.addFromHandler(own)
  expect(
    [...everything(metrics).matchAll(/^# TYPE (\w+) (\w+)/gm)].map(([, name, type]) => [name, type]),
  ).toEqual([
    ['ts_inference_requests_total', 'counter'],
    ['ts_inference_latency_microseconds', 'counter'],
    ['ts_queue_latency_microseconds', 'counter'],
  ])
  expect(frontend.map((line) => line.split('.')[0])).toEqual(['Requests2XX', 'QueueTime', 'WorkerThreadTime'])
  expect(model.map((line) => line.split('.')[0])).toEqual(['PredictionTime', 'digits_seen'])
})

test('in legacy mode the three are counters, whatever the file says', () => {
  const dimensions = ['model_name', 'model_version', 'hostname']
  const frontend = [definition('ts_inference_requests_total', { type: 'gauge', dimensions })]
  const { metrics } = made({ mode: 'legacy', definitions: { frontend, model: [] } })
  metrics.countReceived('m', undefined)
  metrics.countReceived('m', undefined)
  expect(everything(metrics)).toContain('# TYPE ts_inference_requests_total counter')
  expect(samples(metrics, 'ts_inference_requests_total')[0]).toMatch(/ 2\.0$/)
})
