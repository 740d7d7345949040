/** From all sources to one Config: which source wins, what is refused, and what is only warned of. */
import { describe, expect, test } from 'vitest'
import { addressUrl } from './config.js'
import { defaultConfig, explainConfig, loadConfig } from './load.js'
import type { Sources } from './given.js'
import { printOrigin } from './origin.js'
import { parseProperties } from './properties.js'
import { rowOf, settingNames } from './table.js'

const fileOf = (text: string) => parseProperties(Buffer.from(text), 'config.properties')

/** Sources of the torchserve profile unless told otherwise. */
const sources = (given: Partial<Omit<Sources, 'file'>> & { file?: string } = {}): Sources => ({
  profile: 'torchserve',
  flags: new Map(),
  environment: {},
  models: [],
  ...given,
  file: given.file === undefined ? undefined : fileOf(given.file),
})

const ENABLED = 'enable_envvars_config=true\n'

describe('precedence', () => {
  const all = {
    file: `${ENABLED}job_queue_size=1`,
    flags: new Map([['job-queue-size', '3']]),
    environment: { MARINA_JOB_QUEUE_SIZE: '2', TS_JOB_QUEUE_SIZE: '4' },
  }
  const sizeAndOrigin = (from: Sources) => {
    const { config, origins } = explainConfig(from)
    return [config.jobQueueSize, printOrigin(origins.jobQueueSize)]
  }

  test("under torchserve TorchServe's variable beats the flag, Marina's variable, the file and the default", () => {
    expect(sizeAndOrigin(sources(all))).toEqual([4, 'TS_JOB_QUEUE_SIZE'])
    const { TS_JOB_QUEUE_SIZE: _, ...environment } = all.environment
    expect(sizeAndOrigin(sources({ ...all, environment }))).toEqual([3, '--job-queue-size'])
    expect(sizeAndOrigin(sources({ ...all, environment, flags: new Map() }))).toEqual([
      2,
      'MARINA_JOB_QUEUE_SIZE',
    ])
    expect(sizeAndOrigin(sources({ file: all.file }))).toEqual([1, 'config.properties:2'])
    expect(sizeAndOrigin(sources())).toEqual([100, 'default'])
  })

  test('under marina serve the flag is the last word', () => {
    expect(sizeAndOrigin(sources({ ...all, profile: 'marina' }))).toEqual([3, '--job-queue-size'])
    expect(sizeAndOrigin(sources({ ...all, profile: 'marina', flags: new Map() }))).toEqual([
      4,
      'TS_JOB_QUEUE_SIZE',
    ])
    expect(sizeAndOrigin(sources({ profile: 'marina' }))).toEqual([1000, 'default'])
  })

  test("TorchServe's variables are not read unless the file allows them", () => {
    expect(sizeAndOrigin(sources({ environment: { TS_JOB_QUEUE_SIZE: '4' } }))).toEqual([100, 'default'])
    const environment = { TS_JOB_QUEUE_SIZE: '4', TS_ENABLE_ENVVARS_CONFIG: 'true' }
    expect(sizeAndOrigin(sources({ environment }))).toEqual([100, 'default'])
  })

  test('of two entries with one key the last counts', () => {
    expect(sizeAndOrigin(sources({ file: 'job_queue_size=1\njob_queue_size:2' }))).toEqual([
      2,
      'config.properties:2',
    ])
  })

  test('a variable turns tokens on again although the command line turned them off', () => {
    const flags = new Map([['tokens', 'false']])
    const environment = { TS_DISABLE_TOKEN_AUTHORIZATION: 'false' }
    expect(loadConfig(sources({ flags, environment })).tokens).toBe(false)
    expect(loadConfig(sources({ flags, environment, file: ENABLED })).tokens).toBe(true)
  })

  test('the model API follows the same order', () => {
    const environment = { TS_ENABLE_MODEL_API: 'false' }
    const flags = new Map([['model-api', 'true']])
    expect(loadConfig(sources({ flags, environment })).modelApi).toBe(true)
    expect(loadConfig(sources({ flags, environment, file: ENABLED })).modelApi).toBe(false)
  })

  test.each([
    ['TS_TOKEN_EXPIRATION_TIME_MIN', '0.25', 'tokenLifeMs', 15_000],
    ['TS_HEADER_KEY_SEQUENCE_ID', 'seq', 'sequenceIdHeader', 'seq'],
    ['TS_DEFAULT_RESPONSE_TIMEOUT', '7', 'responseTimeoutMs', 7000],
  ] as const)('%s is the name of a variable', (variable, text, name, value) => {
    expect(loadConfig(sources({ file: ENABLED, environment: { [variable]: text } }))[name]).toBe(value)
  })

  test.each([
    'USE_NATIVE_IO',
    'IO_RATIO',
    'METRIC_TIME_INTERVAL',
    'MODELS',
    'MODEL_SNAPSHOT',
    'SYSTEM_METRICS_CMD',
  ])('TS_%s is no variable of TorchServe', (name) => {
    const environment = { [`TS_${name}`]: '{"x"' }
    expect(loadConfig(sources({ file: ENABLED, environment }))).toEqual(
      loadConfig(sources({ file: ENABLED })),
    )
  })

  test('TS_ALLOWED_URLS counts only with two keys in the file', () => {
    const environment = { TS_ALLOWED_URLS: 'https://a/.*' }
    const printed = (file: string) =>
      loadConfig(sources({ file, environment })).allowedUrls.map(({ source }) => source)
    expect(printed(ENABLED)).toEqual(['file://.*|http(s)?://.*'])
    expect(printed('use_env_allowed_urls=true')).toEqual(['file://.*|http(s)?://.*'])
    expect(printed(`${ENABLED}use_env_allowed_urls=TRUE`)).toEqual(['https://a/.*'])
  })

  test('TS_OPEN_INFERENCE_PROTOCOL is always read, and only the word oip turns it on', () => {
    const isOn = (value: string, file = '') =>
      loadConfig(sources({ file, environment: { TS_OPEN_INFERENCE_PROTOCOL: value } })).openInferenceProtocol
    const key = 'ts_open_inference_protocol=true'
    expect([isOn('oip'), isOn('OIP', key), isOn('true', key), isOn('', key), isOn('')]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ])
  })
})

describe('values', () => {
  test('a switch that is not true is off under torchserve, with a warning, and refused under marina serve', () => {
    const file = 'enable_model_api=yes'
    const { config, warnings } = explainConfig(sources({ file }))
    expect(config.modelApi).toBe(false)
    expect(warnings).toEqual([
      'enable_model_api (config.properties:1) must be true or false, but it is "yes"; it counts as false.',
    ])
    expect(() => loadConfig(sources({ file, profile: 'marina' }))).toThrow(
      'enable_model_api (config.properties:1) must be true or false, but it is "yes".',
    )
  })

  test('a lifetime that is no number counts as an hour under torchserve', () => {
    const { config, warnings } = explainConfig(sources({ file: 'token_expiration_min=soon' }))
    expect(config.tokenLifeMs).toBe(3_600_000)
    expect(warnings[0]).toContain('it counts as 60.')
  })

  test('an unknown metrics mode counts as log, in any letter case and with blanks a known one is read', () => {
    expect(loadConfig(sources({ file: 'metrics_mode= Prometheus ' })).metricsMode).toBe('prometheus')
    expect(loadConfig(sources({ file: 'metrics_mode=loud' })).metricsMode).toBe('log')
  })

  test('blanks after a number or a switch do not spoil it', () => {
    const config = loadConfig(sources({ file: 'job_queue_size=10 \nenable_model_api=true ' }))
    expect([config.jobQueueSize, config.modelApi]).toEqual([10, true])
  })

  test.each([
    ['job_queue_size=ten', /job_queue_size \(config\.properties:1\) must be a whole number of at least 1/],
    ['models={"a":', /models .* must be a JSON object/],
    ['models=[]', /models .* must be a JSON object/],
    ['allowed_urls=(', /allowed_urls .* regular expressions/],
    ['inference_address=ftp://x:1', /inference_address .* must be an address like/],
    ['inference_address=http://x:65536', /inference_address .* must be an address like/],
    ['inference_address=unix:tmp/x', /inference_address .* must be unix: with an absolute path/],
    [`inference_address=unix:/${'x'.repeat(103)}`, /inference_address .* path of at most 103 bytes/],
    [
      'inference_address=unix:/tmp/x\nuse_native_io=false',
      /unix domain socket requires use_native_io set to true/,
    ],
    ['cors_allowed_origin=a\\r\\nSet-Cookie: x', /cors_allowed_origin .* one line/],
  ])('%s is refused', (file, message) => {
    expect(() => loadConfig(sources({ file }))).toThrow(message)
  })

  test('a secret is never shown', () => {
    expect(() => loadConfig(sources({ file: 'keystore_pass=\\ ' }))).toThrow(
      /keystore_pass .* must be given\.$/,
    )
  })

  test.each([
    ['http://0.0.0.0:8082', { host: '0.0.0.0', port: 8082 }],
    ['HTTP://localhost', { host: 'localhost', port: 80 }],
    ['https://localhost', { host: 'localhost', port: 443, tls: true }],
    ['https://[::1]:8443', { host: '::1', port: 8443, tls: true }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ])('the address %s', (text, address) => {
    expect(loadConfig(sources({ file: `inference_address=${text}` })).inferenceAddress).toEqual(address)
  })

  test('management and metrics have standard ports of their own', () => {
    const file = 'management_address=http://h\nmetrics_address=https://h'
    const { managementAddress, metricsAddress } = loadConfig(sources({ file }))
    expect([managementAddress, metricsAddress].map(addressUrl)).toEqual(['http://h:8081', 'https://h:8445'])
  })

  test('a port flag changes the port and nothing else', () => {
    const file = 'inference_address=https://0.0.0.0:1'
    const flags = new Map([['inference-port', '9090']])
    const { config, origins } = explainConfig(sources({ file, flags }))
    expect(config.inferenceAddress).toEqual({ host: '0.0.0.0', port: 9090, tls: true })
    expect(printOrigin(origins.inferenceAddress)).toBe('--inference-port')
  })

  test('allowed URLs match whole, in any letter case', () => {
    const [pattern] = loadConfig(sources({ file: 'allowed_urls=https://a/.*' })).allowedUrls
    const found = ['HTTPS://A/x', 'xhttps://a/x', 'https://b/'].map((url) => pattern?.matches(url))
    expect(found).toEqual([true, false, false])
  })

  test('every default is printed and read again as the same value', () => {
    for (const name of settingNames)
      for (const profile of ['marina', 'torchserve'] as const) {
        const { kind, defaults } = rowOf(name)
        const result = kind.parse(kind.print(defaults[profile]))
        expect('value' in result && kind.print(result.value), name).toBe(kind.print(defaults[profile]))
      }
  })

  test('the Config is frozen', () => {
    expect(Object.isFrozen(defaultConfig('marina'))).toBe(true)
  })
})

describe('models', () => {
  const models = (given: Parameters<typeof sources>[0]) => loadConfig(sources(given)).models

  test('the command line wins over load_models', () => {
    expect(models({ file: 'load_models=a=x.mar, y.mar' })).toEqual([
      { name: 'a', source: 'x.mar' },
      { name: undefined, source: 'y.mar' },
    ])
    expect(models({ file: 'load_models=a', models: ['b.mar'] })).toEqual([
      { name: undefined, source: 'b.mar' },
    ])
  })

  test('a snapshot counts before load_models, and the command line before it', () => {
    const snapshot = 'model_snapshot={"name":"x","modelCount":1,"models":{}}'
    const file = `load_models=a.mar\n${snapshot}`
    const from = loadConfig(sources({ file }))
    expect([from.models, from.modelSnapshot?.name]).toEqual([[], 'x'])
    const flags = new Map([['models', 'b.mar']])
    const explicit = loadConfig(sources({ file, flags }))
    expect([explicit.models, explicit.modelSnapshot]).toEqual([
      [{ name: undefined, source: 'b.mar' }],
      undefined,
    ])
  })

  test('the word all stands for the model store, in any letter case and alone', () => {
    const listStore = () => ['a.mar', 'b']
    const file = 'model_store=/store\nload_models=ALL'
    expect(models({ file, listStore })).toEqual([
      { name: undefined, source: 'a.mar' },
      { name: undefined, source: 'b' },
    ])
    expect(models({ file: 'model_store=/s\nload_models=all,x.mar', listStore })).toHaveLength(2)
  })
})

describe('warnings', () => {
  test('an unknown key is named with its line and its nearest name', () => {
    const { warnings } = explainConfig(sources({ file: '\njob_queu_size=1\nNUM_WORKERS=1' }))
    expect(warnings).toEqual([
      'config.properties:2: the key "job_queu_size" is unknown and changes nothing. Did you mean job_queue_size?',
      'config.properties:3: the key "NUM_WORKERS" is unknown and changes nothing.',
    ])
  })

  test('a key without a meaning here is named with the reason, unless it says the default', () => {
    const { warnings } = explainConfig(sources({ file: 'prefer_direct_buffer=true\nio_ratio=50' }))
    expect(warnings).toEqual([
      'prefer_direct_buffer (config.properties:1) changes nothing: It tunes a Java virtual machine, and there is none.',
    ])
  })

  test('keys that TorchServe writes into its snapshots are no news', () => {
    expect(explainConfig(sources({ file: 'version=0.12.0\ntsConfigFile=x' })).warnings).toEqual([])
  })

  test('a parameter of models with a wrong type is left out', () => {
    const file = 'models={"m":{"1.0":{"minWorkers":[],"maxWorkers":"3","batchSize":-1,"responseTimeout":2}}}'
    const { config, warnings } = explainConfig(sources({ file }))
    expect(config.modelsByName.byName.get('m')?.get('1.0')).toMatchObject({
      minWorkers: undefined,
      maxWorkers: 3,
      batchSize: undefined,
      responseTimeoutMs: 2000,
    })
    expect(warnings).toContain('config.properties:1: Invalid value for model: m:1.0, parameter: minWorkers')
  })
})

describe('the model API under marina serve', () => {
  const file = 'management_address=http://0.0.0.0:8081'

  test('is on by loopback and off beyond it', () => {
    expect(loadConfig(sources({ profile: 'marina' })).modelApi).toBe(true)
    expect(loadConfig(sources({ profile: 'marina', file })).modelApi).toBe(false)
  })

  test.each([
    [{ flags: new Map([['model-api', 'true']]) }, '--model-api would let everyone who reaches 0.0.0.0'],
    [
      { environment: { MARINA_ENABLE_MODEL_API: 'true' } },
      'enable_model_api (MARINA_ENABLE_MODEL_API) would',
    ],
  ])('asking for it beyond loopback is refused', (given, message) => {
    expect(() => loadConfig(sources({ profile: 'marina', file, ...given }))).toThrow(message)
  })

  test('under torchserve it is what the operator says', () => {
    expect(loadConfig(sources({ file: `${file}\nenable_model_api=true` })).modelApi).toBe(true)
  })
})
