/** Command lines, files and variables that are given to TorchServe and to us. `{cwd}` stands for the folder they run in. */

/** One start of the command in a fresh folder that holds an empty `store/` and `files`. */
export interface Case {
  readonly name: string
  readonly words: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
}

const STORE = ['--model-store', 'store']

/** Ends before a server is started: what is printed where, and the exit code, are compared whole. */
export const launcherCases: readonly Case[] = [
  // The command line.
  ...[
    '-v',
    '--version',
    '--ver',
    '-h',
    '--help',
    '--he',
    '--foo',
    '-x',
    '-vx',
    '-hv',
    'word',
    '--stop word',
    '--version --start',
    '--start --stop',
    '--stop --version',
    '--start=1',
    '--version=x',
    '--mod x',
    '--m',
    '--s',
    '--st',
    '--sta --model-store nope',
    '--model-store',
    '--model-store --start',
    '--model-store -x',
    '--ts-config',
    '--models',
    '--models --stop',
    '--log-config',
    '--no --stop',
    '--ncs --stop',
    '--nc --stop',
    '--no-config-snapshots=1',
    '--ppath x --stop',
    '--pp x --stop',
    '--plugins-path=x --stop',
    '--dt --stop',
    '--d --stop',
    '--disable-token --stop',
    '--enable-model-api --stop',
    '--enable --stop',
    '--model-api-enabled --stop',
    '--models a b=c --stop',
    '--models a --stop b',
    '--stop --foreground',
    '--stop --models=a',
    '--workflow --stop',
    '-- --stop',
    '--stop --',
    '--model-store= --stop',
  ].map((line) => ({ name: line, words: line.split(' ') })),
  { name: 'an empty word', words: [''] },
  // The checks before the start, in their order.
  { name: 'nothing', words: [] },
  { name: '--start', words: ['--start'] },
  { name: 'a model store that is not there', words: ['--model-store', 'nope'] },
  { name: 'a model store that is a file', words: ['--model-store', 'f'], files: { f: '' } },
  { name: 'an absolute model store', words: ['--model-store', '{cwd}/nope'] },
  { name: 'an empty model store', words: ['--model-store='] },
  { name: 'a file of settings that is not there', words: [...STORE, '--ts-config', 'nope'] },
  { name: 'a file of settings that is a folder', words: [...STORE, '--ts-config', 'store'] },
  { name: 'an absolute file of settings', words: ['--ts-config', '{cwd}/nope'] },
  { name: 'an empty file of settings', words: ['--ts-config', 'c'], files: { c: '' } },
  {
    name: 'a variable that names a file that is not there',
    words: [...STORE],
    environment: { TS_CONFIG_FILE: 'nope' },
  },
  {
    name: 'the variable beats the flag',
    words: ['--ts-config', 'c'],
    files: { c: 'model_store=store' },
    environment: { TS_CONFIG_FILE: 'nope' },
  },
  {
    name: 'a model store of the file that is not there',
    words: ['--ts-config', 'c'],
    files: { c: '# x\nmodel_store = nope \n' },
  },
  {
    name: "the flag's model store beats the file's",
    words: ['--model-store', 'no', '--ts-config', 'c'],
    files: { c: 'model_store=store' },
  },
  { name: 'config.properties is not asked', words: [], files: { 'config.properties': 'model_store=store' } },
  { name: 'TS_MODEL_STORE is not asked', words: [], environment: { TS_MODEL_STORE: 'store' } },
  { name: 'a log file that is not there', words: [...STORE, '--log-config', 'nope'] },
  { name: 'a log file before the model store', words: ['--log-config', 'nope'] },
  {
    name: 'a folder for temporary files that is not there',
    words: [...STORE],
    environment: { TEMP: '{cwd}/no' },
  },
  { name: 'a log file before it', words: ['--log-config', 'no'], environment: { TEMP: '{cwd}/no' } },
  { name: 'a workflow store that is not there', words: [...STORE, '--workflow-store', 'nope'] },
  { name: 'a C++ log file that is not there', words: [...STORE, '--cpp-log-config', 'nope'] },
  {
    name: 'a workflow store before it',
    words: [...STORE, '--cpp-log-config', 'no', '--workflow-store', 'no'],
  },
  {
    name: 'arguments of the virtual machine',
    words: ['--ts-config', 'c', '--model-store', 'nope'],
    files: { c: 'vmargs=-Xmx1g -Dx=y\nmodel_store=store' },
  },
  // The pid file.
  { name: 'an orphan', words: ['--stop'], files: { 'tmp/.model_server.pid': '999999999' } },
  { name: 'an orphan at --version', words: ['-v'], files: { 'tmp/.model_server.pid': '999999999\n' } },
  { name: 'an orphan at the start', words: ['--start'], files: { 'tmp/.model_server.pid': '999999999\n' } },
  { name: 'another process', words: ['--stop'], files: { 'tmp/.model_server.pid': '1\n' } },
]

/** Ports of our own, where nothing else listens. */
const BASE = [
  'inference_address=http://127.0.0.1:18480',
  'management_address=http://127.0.0.1:18481',
  'metrics_address=http://127.0.0.1:18482',
  'grpc_inference_port=18470',
  'grpc_management_port=18471',
  '',
].join('\n')

const ENABLED = 'enable_envvars_config=true\n'

/** Settings in a file, beside the ports. */
const file = (name: string, text: string, more: Partial<Case> = {}): Case => ({
  name,
  ...more,
  words: ['--ncs', ...STORE, '--ts-config', 'c', ...(more.words ?? [])],
  files: { c: `${BASE}${text}\n`, ...more.files },
})

const variable = (
  name: string,
  text: string,
  environment: Record<string, string>,
  words: string[] = [],
): Case => file(name, text, { environment, words })

/** Start a server, or fail to: the block of settings that it logs is compared, or the line that says why. */
export const settingsCases: readonly Case[] = [
  file('only addresses', ''),
  file(
    'addresses with other separators',
    'job_queue_size 5\nnumber_of_netty_threads: 3\n  netty_client_threads = 2',
  ),
  file('in upper case', 'inference_address=HTTP://127.0.0.1:18490'),
  file(
    'standard ports of https',
    'inference_address=https://127.0.0.1\nmanagement_address=https://127.0.0.1\nmetrics_address=https://127.0.0.1',
  ),
  file('a scheme that is none', 'inference_address=ftp://127.0.0.1:18480'),
  file('no scheme', 'inference_address=127.0.0.1:18480'),
  file('a port that is too large', 'inference_address=http://127.0.0.1:65536'),
  file('a socket without native I/O', 'use_native_io=false\ninference_address=unix:/tmp/x.sock'),
  file('of two entries the last', 'number_of_netty_threads=1\nnumber_of_netty_threads=2'),
  file('a continued line', 'models={\\\n  "m": {\\\n    "1.0": {"minWorkers": 1}\\\n  }\\\n}'),
  file('escapes', 'allowed_urls=http\\://a\\\\.b/.*\\u002chttps\\://c/.*'),
  file('models that are not JSON', 'models={"m":'),
  file('models that are a list', 'models=[]'),
  file('a number with a sign', 'max_request_size=+1000'),
  file('a negative number', 'number_of_netty_threads=-1'),
  file('a number that is none', 'max_request_size=1e3'),
  file('an empty number', 'max_request_size='),
  file('a number that is too large', 'max_request_size=3000000000'),
  ...['true', 'TRUE', 'True', 'yes', '1', '', 'tru'].map((text) =>
    file(
      `a switch that says ${JSON.stringify(text)}`,
      `enable_model_api=${text}\nprefer_direct_buffer=${text}\nlimit_max_image_pixels=${text}`,
    ),
  ),
  ...['prometheus', 'Legacy', ' LOG ', 'loud', ''].map((text) =>
    file(`the metrics mode ${JSON.stringify(text)}`, `metrics_mode=${text}`),
  ),
  file('no metrics', 'enable_metrics_api=false\ndisable_system_metrics=true'),
  file('requirements and pictures', 'install_py_dep_per_model=true\nlimit_max_image_pixels=false'),
  file('workers', 'default_workers_per_model=3'),
  file('sizes', 'max_request_size=1\nmax_response_size=2'),
  file('hidden variables', 'blacklist_env_vars=.*KEY.*|A'),
  file('hidden variables that are no expression', 'blacklist_env_vars=('),
  file('allowed URLs', 'allowed_urls=https://s3.amazonaws.com/.*,https://x/.*'),
  file('a workflow store', 'workflow_store=store'),
  file('a workflow store of the flag', 'workflow_store=store', {
    words: ['--workflow-store', 'w'],
    files: { 'w/x': '' },
  }),
  file('a measuring command', 'system_metrics_cmd=ts/metrics/metric_collector.py --gpu 0'),
  file('models of the file', 'load_models=a.mar,b=c.mar'),
  file('models of the flag', 'load_models=a.mar', { words: ['--models', 'x.mar', 'y=z.mar'] }),
  file('models of the flag between commas', '', { words: ['--models', 'x.mar,y=z.mar', 'w.mar'] }),
  file('unknown keys', 'NUM_WORKERS=1\nx=y'),
  file('the model API of the flag', 'enable_model_api=false', { words: ['--enable-model-api'] }),
  file('a lifetime that is no number', 'token_expiration_min=soon'),
  file('no tokens of the flag', '', { words: ['--disable-token-auth'] }),
  file('no tokens of the file', 'disable_token_authorization=true'),
  variable('a variable that is not allowed', '', {
    TS_NUMBER_OF_NETTY_THREADS: '9',
    TS_ENABLE_MODEL_API: 'true',
  }),
  variable('a variable that is allowed', ENABLED, {
    TS_NUMBER_OF_NETTY_THREADS: '9',
    TS_ENABLE_MODEL_API: 'true',
  }),
  variable('allowed by itself', '', { TS_ENABLE_ENVVARS_CONFIG: 'true', TS_NUMBER_OF_NETTY_THREADS: '9' }),
  variable('a variable beats the file', `${ENABLED}number_of_netty_threads=1`, {
    TS_NUMBER_OF_NETTY_THREADS: '9',
  }),
  variable('an empty variable', `${ENABLED}metrics_mode=prometheus`, { TS_METRICS_MODE: '' }),
  variable('a variable beats the flag', ENABLED, { TS_ENABLE_MODEL_API: 'false' }, ['--enable-model-api']),
  variable('a variable asks for tokens again', ENABLED, { TS_DISABLE_TOKEN_AUTHORIZATION: 'false' }, [
    '--dt',
  ]),
  variable('a variable asks for no tokens', ENABLED, { TS_DISABLE_TOKEN_AUTHORIZATION: 'true' }),
  variable('models of a variable', ENABLED, { TS_LOAD_MODELS: 'v.mar' }, ['--models', 'x.mar']),
  {
    ...variable('the model store of a variable', ENABLED, { TS_MODEL_STORE: 'other' }),
    files: { c: BASE + ENABLED, 'other/x': '' },
  },
  variable('variables without a meaning', ENABLED, {
    TS_MODELS: '{"x":',
    TS_IO_RATIO: 'x',
    TS_USE_NATIVE_IO: 'x',
  }),
  variable('allowed URLs of a variable', ENABLED, { TS_ALLOWED_URLS: 'https://a/.*' }),
  variable('allowed URLs of a variable with one key', 'use_env_allowed_urls=true', {
    TS_ALLOWED_URLS: 'https://a/.*',
  }),
  variable('allowed URLs of a variable with both keys', `${ENABLED}use_env_allowed_urls=true`, {
    TS_ALLOWED_URLS: 'https://a/.*',
  }),
  variable('a placeholder', 'workflow_store=$$HERE$$/store\nblacklist_env_vars=$$A_B$$|$$A_B$$', {
    HERE: '{cwd}',
    A_B: 'x',
  }),
  variable('a placeholder for nothing', 'workflow_store=$$NO_SUCH_VARIABLE$$', {}),
  variable('placeholders in a placeholder', 'blacklist_env_vars=$$AA$$', { AA: '$$BB$$', BB: 'x' }),
  variable('folders of logs', '', { LOG_LOCATION: '{cwd}/l', METRICS_LOCATION: '{cwd}/m' }),
  {
    name: 'config.properties of the folder',
    words: ['--ncs', ...STORE],
    files: { 'config.properties': `${BASE}number_of_netty_threads=6` },
  },
  {
    name: 'TS_CONFIG_FILE beats the flag',
    words: ['--ncs', ...STORE, '--ts-config', 'c'],
    files: { c: BASE, d: `${BASE}number_of_netty_threads=6` },
    environment: { TS_CONFIG_FILE: 'd' },
  },
]
