/** Request envelopes (contract python-handlers §11), of one request and of two. */
import { infer, manage, together, typed, type Ask, type Scene, type Step } from '../step.js'

const json = (model: string, body: string, note = body): Ask =>
  infer(`POST /predictions/${model}`, { ...typed('application/json', body), note })

const register = (model: string): Step => manage(`POST /models?url=${model}.mar&initial_workers=1`)
const MODEL = 'enveloped'
const untyped = (body: string): Ask => infer(`POST /predictions/${MODEL}`, { note: 'no type', body })
const explained = (body: string): Ask =>
  infer(`POST /explanations/${MODEL}`, { ...typed('application/json', body), note: 'explained' })

const one = ['{"instances": [1, 2, 3]}', '{"instances": [{"a": 1}, {"b": "two"}]}', '{"instances": []}']
const wrong = ['{"instances": 5}', '{"other": [1]}', '[1, 2]', '"text"', '{"instances": [{"raise": 1}]}']
const odd = ['{"instances": [{"too few": 1}, 2]}', '{"instances": [{"not a list": 1}]}']
const encoded = ['{"instances": [{"b64": "AQL/"}]}', '{"instances": [{"a": {"b64": "aGk="}, "c": 1}]}']
const instances = [
  ...one,
  ...wrong,
  ...odd,
  ...encoded,
  '{"instances": [{"b64": "no base64!"}]}',
  '{"instances": [null, "\\u00fc", 1.5, [1]]}',
]

const two = (first: string, second: string): Step =>
  together('two', [json('enveloped-twos', first), json('enveloped-twos', second)])

const bodySteps: readonly Step[] = [
  json(MODEL, '{"a": 1}'),
  json(MODEL, '{"raise": 1}'),
  untyped('raw'),
  infer(`POST /predictions/${MODEL}`, {
    ...typed('application/x-www-form-urlencoded', 'data=x&body=y'),
    note: 'form',
  }),
  infer(`POST /predictions/${MODEL}`, { note: 'nothing' }),
  two('[1]', '{"b": 2}'),
]

const jsonSteps: readonly Step[] = [
  ...instances.map((body) => json(MODEL, body)),
  untyped('{"instances": [1]}'),
  explained('{"instances": [1]}'),
  two('{"instances": [1, 2]}', '{"instances": [3]}'),
  two('{"instances": []}', '{"instances": [3]}'),
]

const kserveSteps: readonly Step[] = [
  ...instances.map((body) => json(MODEL, body)),
  infer(`POST /v1/models/${MODEL}:predict`, {
    ...typed('application/json', '{"instances": [1]}'),
    note: 'v1',
  }),
  infer(`POST /v1/models/${MODEL}:explain`, {
    ...typed('application/json', '{"instances": [1]}'),
    note: 'v1',
  }),
  untyped('{"instances": [1]}'),
  untyped('no JSON'),
  explained('{"instances": [1]}'),
  two('{"instances": [1]}', '{"instances": [2]}'),
]

const input = (name: string, more: string) => `{"name": "${name}", ${more}}`
const asked = (inputs: string, more = '') => `{${more}"inputs": [${inputs}]}`
const matrix = '"shape": [2, 2], "datatype": "INT64", "data": [1, 2, 3, 4]'

const v2 = (body: string, note: string): Ask => json('arrays', body, note)

const kserveV2Steps: readonly Step[] = [
  v2(asked(input('same', matrix), '"id": "mine", '), 'an id'),
  v2(asked(input('same', matrix), '"id": "", '), 'an empty id'),
  v2(asked(input('same', matrix)), 'no id'),
  ...['float32', 'int64', 'doubled', 'text', 'lists'].map((name) => v2(asked(input(name, matrix)), name)),
  v2(
    asked(`${input('same', matrix)}, ${input('other', '"shape": [1], "datatype": "FP32", "data": [0.5]')}`),
    'two inputs',
  ),
  v2(asked(input('same', '"shape": [1], "datatype": "BYTES", "data": ["text"]')), 'bytes'),
  v2(asked(input('same', '"shape": [3], "datatype": "INT64", "data": [1, 2]')), 'a wrong shape'),
  v2(asked(input('same', '"datatype": "INT64", "data": [1, 2]')), 'no shape'),
  v2(asked(''), 'no inputs'),
  v2('{"id": "mine"}', 'neither'),
  infer('POST /v2/models/arrays/infer', {
    ...typed('application/json', asked(input('same', matrix))),
    note: 'v2',
  }),
  infer('POST /predictions/arrays', {
    note: 'no type',
    body: asked(input('same', matrix), '"id": "mine", '),
  }),
]

const scene = (envelope: string, models: readonly string[], steps: readonly Step[]): Scene => ({
  name: `envelope-${envelope}`,
  config: ['default_workers_per_model=1', `service_envelope=${envelope}`],
  flags: ['--disable-token-auth', '--enable-model-api'],
  shared: false,
  steps: [...models.map(register), ...steps],
})

const plain = [MODEL, 'enveloped-twos']

/** Envelopes that need nothing but Python. */
export const envelopeScenes: readonly Scene[] = [
  scene('body', plain, bodySteps),
  scene('json', plain, jsonSteps),
  scene('kserve', plain, kserveSteps),
  scene('kfserving', [MODEL], []),
]

/** The envelope that needs numpy. */
export const arrayEnvelopeScenes: readonly Scene[] = [scene('kservev2', ['arrays'], kserveV2Steps)]
