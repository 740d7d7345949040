/** What a metric is called and how it is written: the built-in ones, those of a metrics file, those of handlers. */

/** How values of a metric add up: all of them, the last one, or counted in buckets. */
export type MetricType = 'counter' | 'gauge' | 'histogram'

/** One metric. Dimensions are positional: the values that belong to it have a fixed order. */
export interface MetricDefinition {
  readonly name: string
  readonly type: MetricType
  /** Free text; it stands in help texts and log lines. */
  readonly unit: string
  readonly dimensions: readonly string[]
}

/** The two sections of a metrics file. */
export interface MetricDefinitions {
  /** Of the server and its host (`ts_metrics`); their last dimension is the host. */
  readonly frontend: readonly MetricDefinition[]
  /** Of handlers (`model_metrics`); the host is added as their last dimension. */
  readonly model: readonly MetricDefinition[]
}

/** The last dimension of handlers' metrics. */
export const HOST_DIMENSION = 'Hostname'

const HOST = ['Level', HOST_DIMENSION]
const MODEL = ['model_name', 'model_version', 'hostname']
const DEVICE = ['Level', 'DeviceId', HOST_DIMENSION]

const row =
  (type: MetricType) =>
  (name: string, unit: string, dimensions: readonly string[]): MetricDefinition => ({
    name,
    type,
    unit,
    dimensions,
  })
const counter = row('counter')
const gauge = row('gauge')

/** What TorchServe's own file defines (contract metrics §5). */
export const builtInDefinitions: MetricDefinitions = {
  frontend: [
    counter('Requests2XX', 'Count', HOST),
    counter('Requests4XX', 'Count', HOST),
    counter('Requests5XX', 'Count', HOST),
    counter('ts_inference_requests_total', 'Count', MODEL),
    counter('ts_inference_latency_microseconds', 'Microseconds', MODEL),
    counter('ts_queue_latency_microseconds', 'Microseconds', MODEL),
    gauge('QueueTime', 'Milliseconds', HOST),
    gauge('WorkerThreadTime', 'Milliseconds', HOST),
    gauge('WorkerLoadTime', 'Milliseconds', ['WorkerName', ...HOST]),
    gauge('CPUUtilization', 'Percent', HOST),
    gauge('MemoryUsed', 'Megabytes', HOST),
    gauge('MemoryAvailable', 'Megabytes', HOST),
    gauge('MemoryUtilization', 'Percent', HOST),
    gauge('DiskUsage', 'Gigabytes', HOST),
    gauge('DiskUtilization', 'Percent', HOST),
    gauge('DiskAvailable', 'Gigabytes', HOST),
    gauge('GPUMemoryUtilization', 'Percent', DEVICE),
    gauge('GPUMemoryUsed', 'Megabytes', DEVICE),
    gauge('GPUUtilization', 'Percent', DEVICE),
  ],
  model: [
    gauge('HandlerTime', 'ms', ['ModelName', 'Level']),
    gauge('PredictionTime', 'ms', ['ModelName', 'Level']),
  ],
}
