/** Settings: worker processes, their environment and devices (contract server-config §5.2). */
import { namePattern } from './patterns.js'
import { both, row } from './setting.js'
import { boolean, count, file, folder, port, text, words, type Kind } from './values.js'

const gpuLimit: Kind<number | undefined> = {
  placeholder: 'N',
  parse: (value) =>
    value.trim() === ''
      ? { value: undefined }
      : /^\d{1,4}$/.test(value.trim())
        ? { value: Number(value) }
        : { mustBe: 'a whole number of at least 0' },
  print: (value) => (value === undefined ? '' : String(value)),
}

/** Rows of the table. */
export const workerRows = {
  python: row({
    key: 'python',
    flag: 'python',
    variable: null,
    kind: text('PYTHON'),
    defaults: both(undefined),
    description:
      'Interpreter of Python workers; without one it is that of the active virtual environment, then python3.',
  }),
  gpuLimit: row({
    key: 'number_of_gpu',
    kind: gpuLimit,
    defaults: both(undefined),
    description:
      'Most GPUs that are handed round among the workers; without it all that CUDA_VISIBLE_DEVICES or the driver shows. 0: none.',
  }),
  serviceEnvelope: row({
    key: 'service_envelope',
    kind: text('ENVELOPE'),
    defaults: both(undefined),
    description: 'Envelope around the requests of all Python models: body, json, kserve or kservev2.',
  }),
  installedTs: row({
    key: 'installed_ts',
    flag: 'installed-ts',
    perModel: { yaml: 'installedTs' },
    kind: boolean,
    defaults: both(false),
    description: "Let Python handlers import ts from an installed torchserve instead of Marina's own.",
  }),
  allowPickles: row({
    key: 'allow_pickles',
    flag: 'allow-pickles',
    kind: boolean,
    defaults: { marina: false, torchserve: true },
    description:
      'Let Python handlers load weights and vocabularies whose files run code when they are read; plain weights always load.',
  }),
  installRequirements: row({
    key: 'install_py_dep_per_model',
    kind: boolean,
    defaults: both(false),
    description: "Install the packages of an archive's requirements file when it is registered.",
  }),
  limitImagePixels: row({
    key: 'limit_max_image_pixels',
    kind: boolean,
    defaults: both(true),
    description: "Keep Pillow's bound on the pixels of a picture in Python handlers.",
  }),
  decodeInput: row({
    key: 'decode_input_request',
    kind: boolean,
    defaults: both(true),
    description: 'Give JSON and text bodies to Python handlers decoded.',
  }),
  hiddenVariables: row({
    key: 'blacklist_env_vars',
    kind: namePattern,
    defaults: both(undefined),
    description: 'Regular expression; variables whose whole name it matches are hidden from workers.',
  }),
  firstWorkerPort: row({
    key: 'initial_worker_port',
    kind: port,
    defaults: both(9000),
    description: 'Number of the first worker. No port is opened there: workers are reached by Unix sockets.',
  }),
  firstDistributionPort: row({
    key: 'initial_distribution_port',
    kind: port,
    defaults: both(29_500),
    unused: 'Models that run on several workers at once are not served.',
    description: 'First port of workers of one distributed model.',
  }),
  serverHome: row({
    key: 'model_server_home',
    variable: 'TS_MODEL_SERVER_HOME',
    kind: folder,
    defaults: both(undefined),
    unused: 'Nothing is looked up in an installation folder.',
    description: "Folder of TorchServe's installation.",
  }),
  ipex: row({
    key: 'ipex_enable',
    kind: boolean,
    defaults: both(false),
    description: 'Tell Python handlers to use the Intel extension (TS_IPEX_ENABLE).',
  }),
  ipexGpu: row({
    key: 'ipex_gpu_enable',
    kind: boolean,
    defaults: both(false),
    description: 'Tell Python handlers to use the Intel extension on its GPUs (TS_IPEX_GPU_ENABLE).',
  }),
  cpuLauncher: row({
    key: 'cpu_launcher_enable',
    kind: boolean,
    defaults: both(false),
    unused: 'Threads are shared out among the workers instead.',
    description: 'Start Python workers through the launcher for Xeon processors.',
  }),
  cpuLauncherArguments: row({
    key: 'cpu_launcher_args',
    kind: words('ARGUMENTS'),
    defaults: both([]),
    unused: 'Threads are shared out among the workers instead.',
    description: 'Arguments of that launcher.',
  }),
  cppLogConfig: row({
    key: 'cpp_log_config',
    flag: 'cpp-log-config',
    kind: file,
    defaults: both(undefined),
    unused: 'There are no C++ workers.',
    description: 'Log configuration of C++ workers.',
  }),
  debugWorker: row({
    key: 'debug',
    kind: boolean,
    defaults: both(false),
    unused: 'Workers are always started by the server.',
    description: 'Connect to a worker that is running already.',
  }),
  eventThreads: row({
    key: 'number_of_netty_threads',
    kind: count(0),
    defaults: both(0),
    unused: 'Connections are served by one event loop.',
    description: 'Threads for HTTP connections.',
  }),
  workerThreads: row({
    key: 'netty_client_threads',
    kind: count(0),
    defaults: both(0),
    unused: 'Workers are served by one event loop.',
    description: 'Threads for connections to workers.',
  }),
  directBuffers: row({
    key: 'prefer_direct_buffer',
    kind: boolean,
    defaults: both(false),
    unused: 'It tunes a Java virtual machine, and there is none.',
    description: 'Kind of buffers in the Java virtual machine.',
  }),
  maxWorkers: row({
    key: 'max_workers_per_model',
    flag: 'max-workers-per-model',
    variable: null,
    kind: count(1),
    defaults: both(1024),
    description: 'Most workers that the management API gives one model; asking for more is answered 400.',
  }),
  nativeIo: row({
    key: 'use_native_io',
    variable: null,
    kind: boolean,
    defaults: both(true),
    unused: 'Workers are always reached by Unix sockets; only addresses of Unix sockets ask for true.',
    description: 'Reach workers by Unix sockets, not by TCP; needed for addresses of Unix sockets.',
  }),
  ioRatio: row({
    key: 'io_ratio',
    variable: null,
    kind: count(0),
    defaults: both(50),
    unused: 'It tunes a Java library that is not here.',
    description: 'Share of time for input and output in an event loop, in percent.',
  }),
}
