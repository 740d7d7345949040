/** How Python handlers are found and loaded (contract python-handlers §1, §2), with real workers. */
import { afterAll, describe, expect, test } from 'vitest'
import { PythonWorkers } from './support/python-worker.js'
import { jobOf, type TestWorker } from './support/real-worker.js'

const workers = new PythonWorkers()
afterAll(() => workers.close())

async function answerOf(worker: TestWorker): Promise<string> {
  await worker.message('loaded')
  worker.send([jobOf(1, 'x')], true)
  return worker.answer(1)
}

/** Why a handler does not load, with its trace, once the worker has ended. */
async function failureOf(worker: TestWorker) {
  const failed = await worker.message('load-failed')
  expect(await worker.exit()).toMatchObject({ code: 1 })
  return failed
}

const CLASS = `
class Service:
    def initialize(self, context):
        self.name = context.model_name
    def handle(self, data, context):
        return ["class of " + self.name] * len(data)
`

describe('the entry point', () => {
  test.each([
    [
      'a module-level handle',
      'handler.py',
      'def handle(data, context): return data and ["handle"]',
      'handle',
    ],
    [
      'a name without its suffix',
      'handler',
      'def handle(data, context): return data and ["handle"]',
      'handle',
    ],
    [
      'a function by its name',
      'handler:predict',
      'def predict(data, context): return data and ["predict"]',
      'predict',
    ],
    [
      'the only class',
      'handler.py',
      `import collections\nfrom argparse import Namespace\n${CLASS}`,
      'class of m',
    ],
    ['the only class, where the function is not there', 'handler:nothing', CLASS, 'class of m'],
    ['the only class, after two colons', 'handler.py::predict', CLASS, 'class of m'],
    [
      'the function, where a class stands beside it',
      'handler.py',
      `${CLASS}
service = Service()
ready = []
def handle(data, context):
    if not ready:
        service.initialize(context)
        ready.append(data)
    return data and ["module's " + str(ready) + service.handle(data, context)[0]]
`,
      "module's [None]class of m",
    ],
    [
      'what handle was before initialize, as in the original',
      'handler.py',
      `class Service:
    def initialize(self, context): self.handle = lambda data, context: ["replaced"]
    def handle(self, data, context): return ["original"]`,
      'original',
    ],
  ])('is %s', async (_, handler, source, answer) => {
    expect(await answerOf(workers.start({ source, load: { handler } }))).toBe(`200 ${answer}`)
  })

  test('is a subclass of BaseHandler, without torch', async () => {
    const source = `
import sys
from ts.torch_handler.base_handler import BaseHandler
class Plus(BaseHandler):
    def __init__(self):
        super().__init__()
    def initialize(self, context):
        self.initialized = True
    def preprocess(self, data): return [int(row["body"]) for row in data]
    def inference(self, data): return [value + 1 for value in data]
    def postprocess(self, data): return [{"sum": value, "torch": "torch" in sys.modules} for value in data]
    def explain_handle(self, prepared, raw): return [f"because of {prepared[0]}"]
    def describe_handle(self): return {"author": "me"}
`
    const worker = await workers.ready({ source })
    worker.send([jobOf(1, '4'), jobOf(2, '5')], true)
    expect(await worker.answer(2)).toBe('200 {\n  "sum": 6,\n  "torch": false\n}')
    worker.send([jobOf(3, '4', { operation: 'explain' })], true)
    expect(await worker.answer(3)).toBe('200 because of 4')
    worker.send([jobOf(4, '', { operation: 'describe', input: { kind: 'parts', parts: [] } })], true)
    expect(await worker.answer(4)).toBe('200 {\n  "author": "me"\n}')
    const names = worker.messages.flatMap((message) => (message.kind === 'metric' ? [message.name] : []))
    expect(new Set(names)).toEqual(new Set(['HandlerTime']))
  })

  test.each([
    [
      'no class',
      'x = 1',
      'ValueError: Expected only one class in custom service code or a function entry point []',
    ],
    [
      'two classes',
      `${CLASS}\nclass Other: pass`,
      'ValueError: Expected only one class in custom service code',
    ],
    [
      'a class without handle',
      'class A:\n  def initialize(self, c): pass',
      'ValueError: Expect handle method in class',
    ],
    ['a class without initialize', 'class A:\n  def handle(self, d, c): pass', 'AttributeError'],
    ['an error at import', 'raise KeyError("why")', "KeyError: 'why'"],
    ['an error in initialize', 'def handle(d, c): assert False, "not today"', 'AssertionError: not today'],
    [
      'no such file or built-in',
      '',
      "ModuleNotFoundError: No module named 'ts.torch_handler.absent'",
      'absent.py',
    ],
  ])('is refused for %s', async (_, source, message, handler = 'handler.py') => {
    const failed = await failureOf(workers.start({ source, load: { handler } }))
    expect(failed.message).toContain(message)
    expect(failed.outOfMemory).toBe(false)
    expect(failed.trace).toContain('Traceback (most recent call last):')
  })

  test('shows the trace of a missing dependency first', async () => {
    const worker = workers.start({ source: 'import not_installed_here' })
    const { trace = '' } = await failureOf(worker)
    expect(trace.indexOf("No module named 'not_installed_here'")).toBeGreaterThan(0)
    expect(trace.indexOf("No module named 'not_installed_here'")).toBeLessThan(
      trace.indexOf('ts.torch_handler'),
    )
    expect(trace).toMatch(/handler\.py", line 1, in <module>/)
    expect(worker.logs.join('\n')).toMatch(/^error - Backend worker process died\./m)
  })

  test.each([
    ['MemoryError', 'raise MemoryError()', true],
    ['a CUDA error', 'raise RuntimeError("CUDA out of memory")', true],
    ['another RuntimeError', 'raise RuntimeError("no weights")', false],
  ])('%s while loading says whether memory ran out', async (_, source, outOfMemory) => {
    expect((await failureOf(workers.start({ source }))).outOfMemory).toBe(outOfMemory)
  })

  test('may end the process, whose code is reported', async () => {
    const worker = workers.start({ source: 'import sys; sys.exit("no licence")' })
    expect(await worker.exit()).toMatchObject({ code: 1, stderr: ['no licence'] })
  })
})

describe('a handler is run', () => {
  test('in the folder of its model, which it may write to, with siblings and shadows on its path', async () => {
    const source = `
import os, sys, json, helper, package.part, ts.context, marina_worker
import messages, frames
open("written.txt", "w").write("w")
def handle(data, context):
    return data and [{
        "cwd": os.getcwd() == context.system_properties["model_dir"],
        "read": open("side.txt").read(),
        "helper": helper.NAME, "part": package.part.NAME,
        "shadow": getattr(json, "SHADOW", "library"), "mine": [messages.NAME, frames.NAME],
        "main": sys.modules["__main__"].__file__.endswith("marina_worker/__main__.py"),
        "stale": "context" in sys.modules,
    }]
`
    const files = {
      'side.txt': 'side',
      'helper.py': 'NAME = "helper"',
      'package/__init__.py': '',
      'package/part.py': 'NAME = "part"',
      'json.py': 'SHADOW = "archive"\nfrom importlib import machinery',
      'messages.py': 'NAME = "my messages"',
      'frames.py': 'NAME = "my frames"',
      'handler.json': '',
    }
    const answer = await answerOf(workers.start({ source, files }))
    expect(JSON.parse(answer.slice(4))).toEqual({
      cwd: true,
      read: 'side',
      helper: 'helper',
      part: 'part',
      shadow: 'archive',
      mine: ['my messages', 'my frames'],
      main: true,
      stale: false,
    })
  })

  test('with the import path of TorchServe', async () => {
    const source = `
import os, sys
def handle(data, context):
    return data and ["|".join(sys.path[:4]) + "#" + os.environ["PYTHONPATH"]]
`
    const inherited = '/some/where:/else/where'
    const environment = { ...process.env, PYTHONPATH: inherited }
    const worker = workers.start({ source, options: { environment } })
    const [path = '', variable = ''] = (await answerOf(worker)).slice(4).split('#')
    const [first, second, model, library = ''] = path.split('|')
    expect([first, second, model]).toEqual(['/some/where', '/else/where', worker.modelDir])
    expect(library).toMatch(/\/python$/)
    expect(variable).toBe([first, second, model, library].join(':'))
  })

  test('with the server’s environment and the variables of the contract', async () => {
    const source = `
import os
NAMES = ["MINE", "TS_DECODE_INPUT_REQUEST", "TS_IPEX_ENABLE", "TS_IPEX_GPU_ENABLE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY"]
def handle(data, context): return data and [[os.environ.get(name) for name in NAMES]]
`
    const { OMP_NUM_THREADS: _, OMP_WAIT_POLICY: __, ...own } = process.env
    const environment = { ...own, MINE: 'yes' }
    const options = { environment, decodeInput: false, ipex: true }
    const answer = await answerOf(workers.start({ source, options, load: { threads: 3 } }))
    expect(JSON.parse(answer.slice(4))).toEqual(['yes', 'false', 'true', 'false', '3', 'passive'])
  })

  test('with a context that knows the model', async () => {
    const source = `
import json
def facts(context):
    return {
        "name": context.model_name, "manifest": context.manifest["model"]["modelName"],
        "properties": context.system_properties, "config": context.model_yaml_config,
        "ids": context.request_ids, "processor": context.request_processor and len(context.request_processor),
        "id": context.get_request_id(0),
    }
def handle(data, context):
    if data is None:
        context.mine = facts(context)
        context.set_response_status(500, "ignored")
        return
    return [[context.mine, facts(context)]]
`
    const worker = workers.start({ source, load: { device: 'cuda:1', limitMaxImagePixels: false } })
    const [early, late] = JSON.parse((await answerOf(worker)).slice(4)) as Record<string, unknown>[]
    const properties = {
      model_dir: worker.modelDir,
      gpu_id: 1,
      batch_size: 4,
      server_name: 'MMS',
      server_version: '0.12.0',
      limit_max_image_pixels: false,
    }
    const common = { name: 'm', manifest: 'packed', properties, config: {} }
    expect(early).toEqual({ ...common, ids: null, processor: null, id: null })
    expect(late).toEqual({ ...common, ids: { '0': 'request-1' }, processor: 1, id: 'request-1' })
  })

  const FAILS_YAML = 'raise ImportError("no PyYAML here")'
  const SHOWS_CONFIG = 'def handle(data, context): return data and [[context.model_yaml_config]]'

  test.each([
    ['by the server where Python cannot', FAILS_YAML, { handler: { deep: [1, 2] } }],
    ['by PyYAML where there is one', 'def safe_load(file): return "read " + file.read()', 'read a: b'],
  ])('with its YAML read %s', async (_, source, config) => {
    const worker = workers.start({
      source: SHOWS_CONFIG,
      manifest: { configFile: 'model-config.yaml' },
      files: { 'model-config.yaml': 'a: b' },
      load: { modelConfig: { handler: { deep: [1, 2] } } },
      // It stands in for PyYAML.
      options: { environment: workers.importing({ 'yaml.py': source }) },
    })
    expect(JSON.parse((await answerOf(worker)).slice(4))).toEqual([config])
  })

  test('not where nobody can read its YAML', async () => {
    const worker = workers.start({
      manifest: { configFile: 'absent.yaml' },
      options: { environment: workers.importing({ 'yaml.py': FAILS_YAML }) },
    })
    expect((await failureOf(worker)).message).toMatch(/absent.yaml/)
  })

  test('with the number of no GPU as None', async () => {
    const source = 'def handle(data, context): return data and [str(context.system_properties["gpu_id"])]'
    expect(await answerOf(workers.start({ source }))).toBe('200 None')
  })
})
