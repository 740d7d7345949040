/** What a handler says in each mode, and where it comes out (contract metrics §4, §5, §7–10). */
import { join } from 'node:path'
import { act, fileOf, infer, manage, measure, until, untilMeasured, type Scene, type Step } from '../step.js'

const open = ['--disable-token-auth', '--enable-model-api']
const at = (name: string) => join(process.cwd(), 'test/compat/metrics', name)

const words = [
  ...['counter', 'times', 'sizes', 'percent', 'error', 'any-unit'],
  ...['declared', 'cached', 'wrong', 'printed'],
]

const registration: readonly Step[] = [
  manage('POST /models?url=gauge.mar&initial_workers=1'),
  until('/models/gauge', /"status": "READY"/),
]

const predictions: readonly Step[] = [
  ...registration,
  ...words.map((word) => infer('POST /predictions/gauge', act(word))),
  infer('POST /predictions/gauge/1.0', act('counter')),
  infer('POST /predictions/none'),
  infer('GET /no-such-path'),
]

const scrapes: readonly Step[] = [
  measure('GET /metrics'),
  measure('GET /metrics?name[]=ts_inference_requests_total'),
  measure('GET /metrics?name[]=Requests4XX&name[]=SeenBy'),
  measure('GET /metrics?name[]=DeclaredHistogram_bucket&name[]=DeclaredHistogram_sum'),
  measure('GET /metrics?name[]=DeclaredHistogram'),
  measure('GET /metrics?name[]=none'),
  measure('POST /metrics?name[]=ts_inference_requests_total', { note: 'any method' }),
  measure('GET /metrics/deeper?name[]=ts_inference_requests_total'),
  measure('GET /metrics?name[]=ts_inference_requests_total', {
    note: 'asking for other forms',
    headers: ['Accept: application/openmetrics-text; version=1.0.0', 'Accept-Encoding: gzip'],
  }),
  manage('DELETE /models/gauge'),
  measure('GET /metrics?name[]=ts_inference_requests_total&name[]=Seen', { note: 'after the model is gone' }),
]

/** The host is measured once at the start, and the last prediction comes last. */
const measured = untilMeasured('/metrics?name[]=DiskUtilization', /DiskUtilization\{/)
const HOST = /^.*DiskUtilization\./m
const REFUSED = /^.*Requests4XX\./m
const LAST = /^.*ts_inference_latency_microseconds\.[^|]*\|#model_name:gauge,model_version:1\.0/m

interface Given {
  readonly config: readonly string[]
  readonly before?: readonly Step[]
  readonly frontend: readonly RegExp[]
  readonly handler: readonly RegExp[]
  readonly after?: readonly Step[]
}

/** The same requests in every scene; then the port, and the logs. */
const scene = (name: string, { config, before = [], frontend, handler, after = [] }: Given): Scene => ({
  name,
  config: ['default_workers_per_model=1', ...config],
  flags: open,
  shared: false,
  steps: [
    ...predictions,
    ...before,
    ...scrapes,
    fileOf('logs/ts_metrics.log', frontend),
    fileOf('logs/model_metrics.log', handler),
    ...after,
  ],
})

const declared = `metrics_config=${at('metrics.yaml')}`
const detect = 'model_metrics_auto_detect=true'

/** All of them. */
export const scenes: readonly Scene[] = [
  scene('by-default', {
    config: [],
    frontend: [HOST, REFUSED, LAST],
    handler: [/PredictionTime/],
    after: [fileOf('logs/access_log.log', [/name\[\]=Seen HTTP/])],
  }),
  scene('log', {
    config: ['metrics_mode=log', declared, detect],
    frontend: [REFUSED, LAST],
    handler: [/Printed\./],
  }),
  scene('prometheus', { config: ['metrics_mode= Prometheus ', declared], frontend: [], handler: [] }),
  scene('prometheus-detect', {
    config: ['metrics_mode=prometheus', detect],
    before: [measured],
    frontend: [],
    handler: [],
  }),
  scene('legacy', {
    config: ['metrics_mode=Legacy', declared, detect],
    frontend: [REFUSED, /QueueTime/],
    handler: [/Printed\./],
  }),
  scene('foo', {
    config: ['metrics_mode=foo', 'disable_system_metrics=true'],
    frontend: [REFUSED, LAST],
    handler: [/PredictionTime/],
  }),
  {
    name: 'measured-by-command',
    config: [
      'metrics_mode=prometheus',
      declared,
      `system_metrics_cmd=${at('models/measure.py')} --gpu 3`,
      'metric_time_interval=1',
    ],
    flags: open,
    shared: false,
    steps: [
      ...registration,
      untilMeasured('/metrics?name[]=NeverUpdated', /NeverUpdated\{.*\} 1\.0$/m),
      measure('GET /metrics?name[]=NeverUpdated'),
      measure('GET /metrics?name[]=Unknown'),
    ],
  },
]
