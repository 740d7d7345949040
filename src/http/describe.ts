/** A version as `GET /models/{m}` shows it: TorchServe's fields in its order, then our own (contract rest-api §7.3). */
import type { VersionDescription, WorkerDescription } from '../serving/catalog.js'

/** The JSON object of one version; times in the units of TorchServe's names. */
export function describeVersion(version: VersionDescription): Record<string, unknown> {
  return {
    modelName: version.modelName,
    modelVersion: version.modelVersion,
    modelUrl: version.modelUrl,
    runtime: version.runtime,
    minWorkers: version.minWorkers,
    maxWorkers: version.maxWorkers,
    batchSize: version.batchSize,
    maxBatchDelay: version.maxBatchDelayMs,
    responseTimeout: seconds(version.responseTimeoutMs),
    startupTimeout: seconds(version.startupTimeoutMs),
    maxRetryTimeoutInSec: seconds(version.recoveryWindowMs),
    clientTimeoutInMills: finite(version.clientTimeoutMs) ?? 0,
    parallelType: version.devices.parallelType ?? '',
    parallelLevel: version.devices.parallelLevel,
    deviceType: version.onGpu ? 'gpu' : 'cpu',
    deviceIds: version.devices.ids,
    continuousBatching: false,
    useJobTicket: version.jobTickets,
    useVenv: false,
    stateful: false,
    sequenceMaxIdleMSec: 0,
    sequenceTimeoutMSec: 0,
    maxNumSequence: 0,
    maxSequenceJobQueueSize: 0,
    loadedAtStartup: version.loadedAtStartup,
    workers: version.workers.map(describeWorker),
    jobQueueStatus: {
      remainingCapacity: Math.max(0, version.queue.capacity - version.queue.pending),
      pendingRequests: version.queue.pending,
    },
    maxJobs: finite(version.maxJobs),
    reloadFailure: version.reloadFailure,
    lastScaling: version.lastScaling,
    lastRecycling: version.lastRecycling,
    schema: version.schema,
  }
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

const seconds = (ms: number): number => Math.round(ms / 1000)

function describeWorker(worker: WorkerDescription): Record<string, unknown> {
  const { memory, gpu } = worker.usage()
  return {
    id: worker.id,
    startTime: worker.startTime,
    status: worker.status,
    memoryUsage: memory,
    pid: worker.pid,
    gpu: gpu !== undefined,
    gpuUsage: gpu ?? 'N/A',
    state: worker.state,
    jobs: worker.jobs,
    restarts: worker.restarts,
    replaces: worker.replaces,
    failingSince: worker.failingSince,
    lastFailure: worker.lastFailure,
  }
}
