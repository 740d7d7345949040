/** What settings change for Python handlers: envelopes, the handler of models that name none, an installed torchserve. */
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { addressUrl } from '../src/config/config.js'
import { OwnServers } from './support/own-servers.js'
import { PythonWorkers } from './support/python-worker.js'
import { jobOf, type TestWorker } from './support/real-worker.js'

const workers = new PythonWorkers()
const servers = new OwnServers()
afterAll(() => Promise.all([workers.close(), servers.close()]))

async function failureOf(worker: TestWorker): Promise<string> {
  const { message } = await worker.message('load-failed')
  expect(await worker.exit()).toMatchObject({ code: 1 })
  return message
}

/** The pieces of streamed answers that have come. */
const piecesOf = (worker: TestWorker): string[] =>
  worker.messages.flatMap((message) =>
    message.kind === 'chunk' && message.body.kind === 'inline'
      ? [Buffer.from(message.body.data).toString()]
      : [],
  )

describe('an envelope', () => {
  test('opens requests and packs results, around a handler that knows nothing of it', async () => {
    const source = 'def handle(data, context): return data and [value + 1 for value in data]'
    const worker = await workers.ready({ source, load: { envelope: 'json' } })
    const body = { kind: 'inline' as const, data: Buffer.from('{"instances": [1, 2]}') }
    const part = { name: 'body', contentType: 'application/json', body }
    worker.send([jobOf(1, '', { input: { kind: 'parts', parts: [part] } })], true)
    expect(await worker.answer(1)).toBe('200 {"predictions": [2, 3]}')
  })

  test('that is not there fails the load, with those that are', async () => {
    const failed = await failureOf(workers.start({ load: { envelope: 'kfserving' } }))
    expect(failed).toMatch(/kfserving'?: service_envelope is body, json, kserve or kservev2$/)
  })
})

describe('a handler that cannot be loaded', () => {
  test.each([
    [
      'names what it misses, not what was looked for after it',
      'import absent_library',
      /^ModuleNotFoundError: No module named 'absent_library'$/,
    ],
    [
      'names what Marina leaves out, with the cure',
      'import ts.torch_handler.vllm_handler',
      /^ImportError: .*vllm_handler is left out of Marina's own ts: write a handler/,
    ],
  ])('%s', async (_, source, message) => {
    expect(await failureOf(workers.start({ source }))).toMatch(message)
  })

  test('says that there is none, where the model names none', async () => {
    expect(await failureOf(workers.start({ load: { handler: '' } }))).toMatch(
      /^ValueError: The model names no handler/,
    )
  })

  test('names the library that a built-in handler needs', async () => {
    const environment = workers.importing({
      'torchvision.py': 'raise ModuleNotFoundError("No module", name="torchvision")',
    })
    const worker = workers.start({ load: { handler: 'image_classifier' }, options: { environment } })
    expect(await failureOf(worker)).toMatch(/image_classifier needs torchvision.*pip install torchvision/)
  })
})

const INSTALLED = {
  'ts/__init__.py': '__version__ = "0.0.installed"',
  'ts/protocol/__init__.py': '',
  'ts/handler_utils/__init__.py': '',
  'ts/metrics/__init__.py': '',
  'ts/utils/__init__.py': '',
  'ts/protocol/otf_message_handler.py': 'send_intermediate_predict_response = None',
  'ts/handler_utils/utils.py': 'send_intermediate_predict_response = None',
  'ts/utils/util.py': `
class PredictionException(Exception):
    def __init__(self, message, error_code=500):
        self.message, self.error_code = message, error_code
`,
}

const USES_TS = `
import sys, ts, ts.context
from ts.handler_utils.utils import send_intermediate_predict_response as send
from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes
from ts.utils.util import PredictionException
def handle(data, context):
    if data is None: return
    if data[0]["body"] == b"raise": raise PredictionException("not this", 422)
    assert isinstance(context, ts.context.Context)
    context.metrics.add_metric("seen", 1, "count", dimensions=[Dimension("a", "b")], metric_type=MetricTypes.GAUGE)
    send(["piece,"], context.request_ids, "", 200, context)
    return [ts.__version__]
`

describe('an installed torchserve', () => {
  const environment = workers.importing(INSTALLED)

  test('gives a handler its ts where the model asks for that; what speaks to the server stays', async () => {
    const worker = await workers.ready({
      source: USES_TS,
      load: { installedTs: true },
      options: { environment },
    })
    worker.send([jobOf(1, 'x')], true)
    await worker.answer(1)
    expect(piecesOf(worker)).toEqual(['piece,', '0.0.installed'])
    worker.send([jobOf(2, 'raise')], true)
    expect(await worker.answer(2)).toBe('rejected 422 not this')
    expect(worker.messages).toContainEqual(
      expect.objectContaining({ kind: 'metric', name: 'seen', type: 'gauge' }),
    )
  })

  test('is asked for and missing: the load says so', async () => {
    const options = { environment: { ...process.env, PYTHONPATH: '' } }
    const failed = await failureOf(workers.start({ source: USES_TS, load: { installedTs: true }, options }))
    expect(failed).toMatch(
      /installed_ts is set, and this Python has no torchserve. Install it: .* -m pip install torchserve$/,
    )
  })
})

test('a model without a handler runs the default one, in the envelope of the server', async () => {
  servers.file('bare/sums.py', 'def handle(data, context): return data and [sum(row) for row in data]')
  const manifest = { runtime: 'python', model: { modelName: 'bare', modelVersion: '1.0' } }
  servers.file('bare/MAR-INF/MANIFEST.json', JSON.stringify(manifest))
  const environment = { MARINA_DEFAULT_SERVICE_HANDLER: 'sums.py', MARINA_SERVICE_ENVELOPE: 'kserve' }
  const server = await servers.start({ environment, models: [join(servers.folder, 'bare')] })
  expect((await server.workersReady).map(({ status }) => status)).toEqual(['fulfilled'])
  const response = await fetch(`${addressUrl(server.addresses.inference)}/predictions/bare`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"instances": [[1, 2], [3, 4]]}',
  })
  expect(await response.json()).toEqual({ predictions: [3, 7] })
})
