/** The block of settings that TorchServe logs at its start (contract server-config §13.4): people read and grep it. */
import { availableParallelism, tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { addressUrl, type Config } from '../config/config.js'
import { rowOf } from '../config/table.js'
import { logFolders } from '../logs/plan.js'
import { Devices, visibleGpus } from '../serving/workers/devices.js'
import { TORCHSERVE_VERSION } from './torchserve/run.js'

/** What stands in the block beside the Config. */
export interface BlockFacts {
  /** Path of the file that was read. */
  readonly file: string | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** The block, a line `Label: value` each, in the original's order; what is absent is `N/A`. */
export function configurationBlock(config: Config, facts: BlockFacts): string {
  const gpuCount = new Devices(visibleGpus(facts.environment), config.gpuLimit).count
  return [...hostLines(config, facts, gpuCount), ...configLines(config, facts, gpuCount)]
    .map(([label, value]) => `${label}: ${value === undefined || value === '' ? 'N/A' : value}`)
    .join('\n')
}

type Line = readonly [label: string, value: string | number | boolean | undefined]

function hostLines({ metricsConfig }: Config, { file, environment }: BlockFacts, gpuCount: number): Line[] {
  return [
    ['Torchserve version', TORCHSERVE_VERSION],
    ['TS Home', environment['TS_MODEL_SERVER_HOME']],
    ['Current directory', process.cwd()],
    ['Temp directory', environment['TEMP'] ?? tmpdir()],
    ['Metrics config path', metricsConfig],
    ['Number of GPUs', gpuCount],
    ['Number of CPUs', availableParallelism()],
    ['Max heap size', undefined],
    ['Python executable', undefined],
    ['Config file', file],
  ]
}

function configLines(config: Config, { environment }: BlockFacts, gpuCount: number): Line[] {
  const { modelStore } = config
  const folders = logFolders(environment)
  const printed = (name: Parameters<typeof rowOf>[0]) => rowOf(name).kind.print(config[name])
  return [
    ['Inference address', addressUrl(config.inferenceAddress)],
    ['Management address', addressUrl(config.managementAddress)],
    ['Metrics address', addressUrl(config.metricsAddress)],
    ['Model Store', modelStore],
    ['Initial Models', initialModels(config)],
    ['Log dir', resolve(folders.logs)],
    ['Metrics dir', resolve(folders.metrics)],
    ['Netty threads', config.eventThreads],
    ['Netty client threads', config.workerThreads],
    ['Default workers per model', config.workersPerModel || gpuCount || availableParallelism()],
    ['Blacklist Regex', printed('hiddenVariables')],
    ['Maximum Response Size', config.maxResponseBytes],
    ['Maximum Request Size', config.maxRequestBytes],
    ['Limit Maximum Image Pixels', config.limitImagePixels],
    ['Prefer direct buffer', config.directBuffers],
    ['Allowed Urls', `[${printed('allowedUrls').replaceAll(',', ', ')}]`],
    ['Custom python dependency for model allowed', config.installRequirements],
    ['Enable metrics API', config.metricsApi],
    ['Metrics mode', config.metricsMode.toUpperCase()],
    ['Disable system metrics', !config.systemMetrics],
    ['Workflow Store', config.workflowStore ?? modelStore],
    ['CPP log config', config.cppLogConfig],
    ['Model config', printed('modelsByName')],
    ['System metrics command', printed('systemMetricsCommand') || 'default'],
    ['Model API enabled', config.modelApi],
  ]
}

const initialModels = ({ models }: Config): string =>
  models.map(({ name, source }) => (name === undefined ? source : `${name}=${source}`)).join(',')
