/** What one process of a version is started with: the version's settings, and what its slot gives it. */
import type { WorkerSpec } from '../../worker/worker.js'
import type { VersionSpec } from '../version-spec.js'
import type { Placement } from './devices.js'

/** What a slot gives its process. */
export interface SlotGifts {
  readonly slot: number
  readonly placement: Placement
  /** For the native code of a worker of such a program. */
  readonly threads: (program: WorkerSpec['runtime']) => number
  readonly metrics: WorkerSpec['load']['metrics']
}

/** Everything but Node runs under Python. */
export function workerSpecOf(
  spec: VersionSpec,
  { slot, placement, threads, metrics }: SlotGifts,
): WorkerSpec {
  const { model, version, modelDir, handler, batchSize, retryItems } = spec
  const { device, visible } = placement
  const program = spec.runtime === 'node' ? 'node' : 'python'
  const handling = { handler, batchSize, device, retryItems, metrics, ...pythonSettings(spec) }
  return {
    slot,
    runtime: program,
    load: { model, version, modelDir, ...handling, threads: threads(program) },
    preload: spec.preloadWorkers,
    ...(spec.python === undefined ? {} : { python: spec.python }),
    ...(visible === undefined ? {} : { visibleGpus: visible }),
  }
}

/** What only Python workers look at. */
const pythonSettings = ({ limitImagePixels, envelope, installedTs, modelConfig, logLevel }: VersionSpec) => ({
  limitMaxImagePixels: limitImagePixels,
  ...(envelope === undefined ? {} : { envelope }),
  ...(installedTs ? { installedTs } : {}),
  ...(logLevel === undefined ? {} : { logLevel }),
  modelConfig,
})
