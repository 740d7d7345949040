/** Handlers on torch (contract python-handlers §9, §10): what subclasses of the built-in ones rely on. */
import { arrayEnvelopeScenes } from './scenes-envelopes.js'
import {
  act,
  clear,
  infer,
  logged,
  manage,
  together,
  typed,
  type More,
  type Scene,
  type Step,
} from '../step.js'

const register = (model: string): Step => manage(`POST /models?url=${model}.mar&initial_workers=1`)
const ask = (model: string, note: string, more: More): Step =>
  infer(`POST /predictions/${model}`, { ...more, note })
const rows = (model: string, json: string): Step => ask(model, json, typed('application/json', json))

const networks = ['script', 'eager', 'unloaded']

const base: readonly Step[] = networks.flatMap((model) => [
  register(model),
  infer(`POST /predictions/${model}`, act('attributes', { body: 'x' })),
  // Weights that are not loaded are random.
  ...(model === 'unloaded'
    ? []
    : [
        rows(model, '[1, 2, 3]'),
        rows(model, '[0, -1, 0.5]'),
        rows(model, '[1, 2]'),
        rows(model, '["a", "b", "c"]'),
        infer(`POST /explanations/${model}`, typed('application/json', '[1, 2, 3]')),
        infer(`POST /predictions/${model}`, act('attributes', { body: 'x' })),
      ]),
  clear(model),
])

const together3: readonly Step[] = [
  register('script-threes'),
  together('three rows', [
    infer('POST /predictions/script-threes', typed('application/json', '[1, 2, 3]')),
    infer('POST /predictions/script-threes', typed('application/json', '[4, 5, 6]')),
    infer('POST /predictions/script-threes', typed('application/json', '[7, 8, 9]')),
  ]),
  clear('script-threes'),
]

const failing = (model: string, end: RegExp): Step[] => [register(model), logged(model, end), clear(model)]

const unusable: readonly Step[] = [
  // The original does not read what a worker says after a RuntimeError.
  register('no-network'),
  clear('no-network'),
  ...failing('two-nets', /^ValueError: Expected only one class/),
]

/** A picture that Pillow reads, each byte of it from `of`. */
function picture(side: number, of: (at: number) => number): string {
  const bytes = Array.from({ length: side * side * 3 }, (_, at) => String.fromCharCode(of(at) & 255))
  return `P6 ${side} ${side} 255\n${bytes.join('')}`
}

const striped = picture(24, (at) => at * 7)
const dark = picture(8, () => 3)
const bright = picture(8, (at) => 255 - (at % 5))
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
const numbers = JSON.stringify(
  [0, 1, 2].map((channel) =>
    Array.from({ length: 8 }, () => Array.from({ length: 8 }, (_, x) => (channel + x) / 8)),
  ),
)
const form = (type: string): More => ({
  headers: ['Content-Type: multipart/form-data; boundary=frontier'],
  body: `--frontier\r\nContent-Disposition: form-data; name="data"; filename="a"\r\nContent-Type: ${type}\r\n\r\n${bright}\r\n--frontier--\r\n`,
})

const pictures = (model: string): Step[] => [
  register(model),
  ask(model, 'a bright picture', { body: bright }),
  ask(model, 'a dark picture', typed('image/x-portable-pixmap', dark)),
  ask(model, 'a form', form('image/x-portable-pixmap')),
  ask(model, 'base64', typed('text/plain', base64(bright))),
  ask(model, 'numbers', typed('application/json', numbers)),
  ask(model, 'no picture', { body: 'no picture' }),
  ask(model, 'nothing', {}),
]

const vision: readonly Step[] = [
  ...pictures('classifier'),
  ask('classifier', 'a larger picture', { body: striped }),
  infer('POST /predictions/classifier', act('1', { body: bright })),
  infer('POST /predictions/classifier', act('6', { body: bright })),
  infer('POST /predictions/classifier', act('7', { body: bright })),
  clear('classifier'),
  ...['unnamed', 'short-names', 'three'].flatMap((model) => [
    register(model),
    ask(model, 'a bright picture', { body: bright }),
    clear(model),
  ]),
  ...pictures('postprocessed'),
  clear('postprocessed'),
  ...pictures('vision'),
  clear('vision'),
  ...['detector', 'unnamed-detector'].flatMap((model) => [
    register(model),
    ask(model, 'a picture', { body: bright }),
    ask(model, 'base64', typed('text/plain', base64(bright))),
    clear(model),
  ]),
]

const values = [
  'list',
  'item',
  'tensor-in-list',
  'array',
  'scalar',
  'float64',
  'integer',
  'bool',
  'bytes',
  'saved',
]

const others: readonly Step[] = [
  register('tensors'),
  ...values.map((word) => infer('POST /predictions/tensors', act(word, { body: 'x' }))),
  clear('tensors'),
  register('micro'),
  infer('POST /predictions/micro', { note: 'alone', body: 'x' }),
  clear('micro'),
  register('micro-fours'),
  together(
    'four in slices',
    ['a', 'b', 'c', 'd'].map((body) => infer('POST /predictions/micro-fours', { body })),
  ),
  clear('micro-fours'),
]

const scene = (name: string, steps: readonly Step[]): Scene => ({
  name,
  config: ['default_workers_per_model=1'],
  flags: ['--disable-token-auth', '--enable-model-api'],
  shared: false,
  rounded: true,
  steps,
})

/** All of them. */
export const torchScenes: readonly Scene[] = [
  ...arrayEnvelopeScenes,
  scene('torch-base', [...base, ...together3, ...unusable]),
  scene('torch-vision', vision),
  scene('torch-values', others),
]
