/** Settings: which models are served, from where, and how (contract server-config §5.2). */
import { urlPatterns, type Pattern } from './patterns.js'
import { modelsJson, noModels } from './per-model.js'
import { both, row } from './setting.js'
import { modelSnapshot } from './snapshot.js'
import { boolean, bytes, count, folder, milliseconds, seconds, text, type Kind } from './values.js'

/** Words between commas. TorchServe does not drop the blanks around them, though its documents write some. */
const list: Kind<readonly string[]> = {
  placeholder: 'NAME=ARCHIVE,…',
  parse: (value) => ({
    value: value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  }),
  print: (value) => value.join(','),
}

const ANY_URL = urlPatterns.parse('file://.*|http(s)?://.*')
const anyUrl: readonly Pattern[] = 'value' in ANY_URL ? ANY_URL.value : []

/** Rows of the table. */
export const modelRows = {
  modelStore: row({
    key: 'model_store',
    flag: 'model-store',
    kind: folder,
    defaults: both(undefined),
    description: 'Folder in which archives are looked up by name.',
  }),
  loadModels: row({
    key: 'load_models',
    flag: 'models',
    kind: list,
    defaults: both([]),
    description: 'Models to load at the start: NAME=ARCHIVE or ARCHIVE, between commas, or the word all.',
  }),
  modelsByName: row({
    key: 'models',
    variable: null,
    kind: modelsJson,
    defaults: both(noModels),
    description:
      'JSON with minWorkers, maxWorkers, batchSize, maxBatchDelay (ms), responseTimeout (s), startupTimeout (s) and runtimeType by model name and version.',
  }),
  modelSnapshot: row({
    key: 'model_snapshot',
    variable: null,
    kind: modelSnapshot,
    defaults: both(undefined),
    description:
      'JSON of the models that a server had when it wrote it; they are loaded instead of load_models.',
  }),
  strict: row({
    key: 'strict',
    flag: 'strict',
    kind: boolean,
    defaults: both(false),
    description:
      'End the start with exit code 1 and the cause when a model that it names does not load; else it is tried again, and describe says why.',
  }),
  workflowStore: row({
    key: 'workflow_store',
    flag: 'workflow-store',
    kind: folder,
    defaults: both(undefined),
    unused: 'Workflows are not served; TorchServe refuses to register them too.',
    description: 'Folder of workflow archives.',
  }),
  modelApi: row({
    key: 'enable_model_api',
    flag: 'model-api',
    kind: boolean,
    defaults: { marina: true, torchserve: false },
    description:
      'Allow POST and DELETE on /models. Under marina serve only while the management address is on loopback or keys are asked for.',
  }),
  allowedUrls: row({
    key: 'allowed_urls',
    flag: 'allowed-urls',
    kind: urlPatterns,
    defaults: { marina: [], torchserve: anyUrl },
    description:
      'Regular expressions between commas; an archive is fetched only from a URL that one of them matches whole.',
  }),
  useEnvAllowedUrls: row({
    key: 'use_env_allowed_urls',
    variable: null,
    kind: boolean,
    defaults: both(false),
    description: 'Let TS_ALLOWED_URLS name the allowed URLs.',
  }),
  maxDownloadBytes: row({
    key: 'max_download_size',
    flag: 'max-download-size',
    kind: bytes,
    defaults: both(8 * 2 ** 30),
    description: 'Largest archive that is fetched from a URL.',
  }),
  workersPerModel: row({
    key: 'default_workers_per_model',
    flag: 'workers',
    perModel: { yaml: 'minWorkers, maxWorkers', parameter: 'initial_workers' },
    kind: count(0),
    defaults: { marina: 1, torchserve: 0 },
    description:
      'Worker processes of each model that says nothing itself; under torchserve 0 stands for one for each GPU, or core, at the start.',
  }),
  batchSize: row({
    key: 'default_batch_size',
    flag: 'batch-size',
    perModel: { yaml: 'batchSize', parameter: 'batch_size' },
    kind: count(1),
    defaults: { marina: 8, torchserve: 1 },
    description: 'Most jobs that a worker takes at once; a lone request never waits for others.',
  }),
  maxBatchDelayMs: row({
    key: 'default_max_batch_delay',
    flag: 'max-batch-delay',
    perModel: { yaml: 'maxBatchDelay', parameter: 'max_batch_delay' },
    kind: milliseconds,
    defaults: both(100),
    description: 'Longest time that a job may be held back, where a model asks for fixed batches.',
  }),
  jobQueueSize: row({
    key: 'job_queue_size',
    flag: 'job-queue-size',
    perModel: { yaml: 'jobQueueSize' },
    kind: count(1),
    defaults: { marina: 1000, torchserve: 100 },
    description: 'Jobs that may wait for each version; the next one is answered 503 at once.',
  }),
  maxJobs: row({
    key: 'max_jobs',
    flag: 'max-jobs',
    perModel: { yaml: 'maxJobs' },
    kind: count(0),
    defaults: both(0),
    description:
      'Jobs of each version that may wait or run at once; the next one is answered 503 at once. 0: no limit.',
  }),
  jobTickets: row({
    key: 'use_job_ticket',
    flag: 'job-tickets',
    perModel: { yaml: 'useJobTicket' },
    kind: boolean,
    defaults: both(false),
    description:
      'Take a job only while a worker that serves has a place for it in one batch; the next one is answered 503 at once.',
  }),
  clientTimeoutMs: row({
    key: 'default_client_timeout',
    flag: 'client-timeout',
    perModel: { yaml: 'clientTimeoutInMills' },
    kind: milliseconds,
    defaults: both(0),
    description:
      'Time from the arrival of a request after which nobody wants its answer: it is answered 408, and not given to a worker any more. 0: none. A client sets its own by the header x-request-timeout-ms; the shorter one counts.',
  }),
  fixedBatches: row({
    key: 'fixed_batches',
    flag: 'fixed-batches',
    perModel: { yaml: 'fixedBatches' },
    kind: boolean,
    defaults: both(false),
    description: 'Let jobs wait for companions until their batch is full, or its delay over.',
  }),
  responseTimeoutMs: row({
    key: 'default_response_timeout',
    flag: 'response-timeout',
    perModel: { yaml: 'responseTimeout', parameter: 'response_timeout' },
    kind: seconds,
    defaults: both(120_000),
    description:
      'Time that a worker may take for an answer, or for the next piece of one, before it is killed.',
  }),
  startupTimeoutMs: row({
    key: 'default_startup_timeout',
    flag: 'startup-timeout',
    perModel: { yaml: 'startupTimeout', parameter: 'startup_timeout' },
    kind: seconds,
    defaults: both(120_000),
    description: 'Time that a worker may take to load its model.',
  }),
  unregisterTimeoutMs: row({
    key: 'unregister_model_timeout',
    kind: seconds,
    defaults: both(120_000),
    unused: 'Running jobs are waited for as long as drain_timeout says.',
    description: 'Time to wait for the end of a worker when scaling down or unregistering.',
  }),
  drainTimeoutMs: row({
    key: 'drain_timeout',
    flag: 'drain-timeout',
    kind: seconds,
    defaults: both(30_000),
    description: 'Time for which a stop, a scale-down or an unregistration waits for running jobs.',
  }),
  retryItems: row({
    key: 'retry_items',
    flag: 'retry-items',
    perModel: { yaml: 'retryItems' },
    kind: boolean,
    defaults: { marina: true, torchserve: false },
    description:
      'After an exception on a batch, run its jobs again one by one, so that only the bad one fails.',
  }),
  replayJobs: row({
    key: 'replay_jobs',
    flag: 'replay-jobs',
    perModel: { yaml: 'replayJobs' },
    kind: boolean,
    defaults: both(true),
    description: 'Try the jobs of a worker that died again on another one.',
  }),
  defaultHandler: row({
    key: 'default_service_handler',
    perModel: { parameter: 'handler' },
    kind: text('HANDLER'),
    defaults: both(undefined),
    description: 'Handler of models that name none.',
  }),
}
