/** What `marina serve` prints when it is ready: for people, and for programs. */
import { addressUrl, type Address, type Config } from '../config/config.js'
import type { VersionDescription } from '../serving/catalog.js'
import type { RunningServer } from '../server.js'
import { styleFor } from './terminal.js'

/** A server at the moment when its first workers are ready, or have failed. */
export interface ReadyReport {
  readonly server: RunningServer
  readonly config: Config
  readonly seconds: number
}

/** One line of JSON: `{"event":"ready", …}`. */
export function readyJson({ server, config, seconds }: ReadyReport): string {
  const { inference, management, metrics } = server.addresses
  return `${JSON.stringify({
    event: 'ready',
    pid: process.pid,
    seconds: Number(seconds.toFixed(3)),
    addresses: {
      inference: urlOf(inference),
      management: urlOf(management),
      ...(metrics && { metrics: urlOf(metrics) }),
    },
    ...(config.page ? { page: `${urlOf(inference)}/` } : {}),
    threads: server.threadPlan,
    models: versionsOf(server).map((version) => ({
      name: version.modelName,
      version: version.modelVersion,
      ready: readyWorkers(version) > 0,
      workers: version.workers.length,
    })),
  })}\n`
}

/** The summary: models, addresses, threads, and a line to try. */
export function readyText({ server, config, seconds }: ReadyReport): string {
  const style = styleFor(process.stdout)
  const { inference, management, metrics } = server.addresses
  const { cores, workers, threadsPerWorker } = server.threadPlan
  const versions = versionsOf(server)
  const first = versions.find((version) => readyWorkers(version) > 0)
  const row = (name: string, value: string) => `  ${name.padEnd(12)}${value}\n`
  return [
    style.bold(`Serving ${plural(versions.length, 'model')}`) + style.dim(` (${seconds.toFixed(2)} s)\n\n`),
    ...versions.map((version) => row(...modelLine(version, style))),
    versions.length > 0 ? '\n' : '',
    row('predictions', `${urlOf(inference)}/predictions/MODEL[/VERSION]`),
    row('management', `${urlOf(management)}/models${config.modelApi ? '' : ' (model API off)'}`),
    metrics ? row('metrics', `${urlOf(metrics)}/metrics`) : '',
    config.page ? row('page', `${urlOf(inference)}/`) : '',
    row(
      'threads',
      `${plural(cores, 'core')}, ${plural(workers, 'worker')}, ${plural(threadsPerWorker, 'thread')} each`,
    ),
    '\nTry it:\n',
    `  ${tryLine(first, { inference, management, page: config.page })}\n`,
    style.dim('\nCtrl-C stops.\n'),
  ].join('')
}

function modelLine(version: VersionDescription, style: ReturnType<typeof styleFor>): [string, string] {
  const { modelVersion, workers, modelName } = version
  const ready = readyWorkers(version)
  const failure = workers.find((worker) => worker.lastFailure)?.lastFailure?.message
  const state =
    ready > 0
      ? style.green(`${plural(ready, 'worker')} ready`)
      : style.red(failure === undefined ? 'no worker' : `no worker is ready: ${failure}`)
  return [modelName, `${modelVersion}  ${state}`]
}

/** A curl line that works as it stands, with a stored example where the archive has one. */
function tryLine(
  version: VersionDescription | undefined,
  { inference, management, page }: { inference: Address; management: Address; page: boolean },
): string {
  if (!version) {
    const { curl, url } = curlOf(management)
    return `${curl} -X POST "${url}/models?url=ARCHIVE.mar&initial_workers=1"`
  }
  const { curl, url: base } = curlOf(inference)
  const url = `${base}/predictions/${encodeURIComponent(version.modelName)}`
  const example = page ? version.examples?.requests[0] : undefined
  if (!example) return `${curl} ${url} -d '{}' -H 'content-type: application/json'`
  const path = `${encodeURIComponent(version.modelName)}/${encodeURIComponent(version.modelVersion)}`
  const stored = `${base}/page/models/${path}/examples/${encodeURIComponent(example.file)}`
  return `${curl} -s ${stored} | ${curl} ${url} -H 'content-type: ${example.contentType}' --data-binary @-`
}

const versionsOf = ({ catalog }: RunningServer): VersionDescription[] =>
  catalog.list().flatMap(({ modelName }) => catalog.describe(modelName, 'all'))

const readyWorkers = ({ workers }: VersionDescription): number =>
  workers.filter((worker) => worker.status === 'READY').length

/** As a client on this machine writes it. */
const urlOf = (address: Address): string =>
  addressUrl('host' in address && isWildcard(address.host) ? { ...address, host: 'localhost' } : address)

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** What curl is given before the URL, and the URL's beginning. */
const curlOf = (address: Address) =>
  'path' in address
    ? { curl: `curl --unix-socket ${address.path}`, url: 'http://localhost' }
    : { curl: 'curl', url: urlOf(address) }

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
