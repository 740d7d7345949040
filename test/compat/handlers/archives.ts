/** What is packed for the scenes. */
import type { Packed } from './store.js'

const entries = [
  'callable_object',
  'coroutine',
  'image_classifier',
  'imported_class',
  'main_block',
  'missing_dependency',
  'no_class',
  'no_handle',
  'no_initialize',
  'only_class',
  'only_imported_class',
  'raises_at_load',
  'relative_import',
  'replaced_handle',
  'subclass',
  'subclass_without_super',
  'syntax_error',
  'takes_words',
  'two_classes',
].map((name) => `entries/${name}.py`)

/** `fixedBatches` is our own key: a batch waits for its companions, as the original's always do. */
const batches = (size: number) =>
  `minWorkers: 1\nmaxWorkers: 1\nbatchSize: ${size}\nmaxBatchDelay: 20000\nfixedBatches: true\n`

const nested = `handler:
  profile: false
  threshold: 0.5
  names: [a, "b", 3, null]
  deep: {er: {est: "\\u00fc"}}
  date: 2024-02-03
  7: seven
empty:
minWorkers: 1
maxWorkers: 1
`

const labels = ['text', 'list', 'objects', 'number', 'list_of_numbers', 'array', 'no_json']
  .map((name) => `utilities/${name}.json`)
  .concat('utilities/some.yaml')

const answers = 'answers/answers.py'

/** Archives whose handlers need no torch. */
export const plainArchives: readonly Packed[] = [
  { name: 'entries', handler: 'entries/module_service.py', extra: entries },
  { name: 'shadows', handler: 'image_classifier', extra: ['entries/image_classifier.py'] },
  { name: 'loads', handler: 'loads/fails.py' },
  { name: 'process', handler: 'process/process.py', extra: ['process/extra'] },
  { name: 'answers', handler: answers },
  { name: 'configured', handler: answers, yaml: nested },
  { name: 'empty-config', handler: answers, yaml: '' },
  { name: 'threes', handler: answers, yaml: batches(3) },
  { name: 'fours', handler: answers, yaml: batches(4) },
  { name: 'enveloped', handler: 'enveloped/enveloped.py' },
  { name: 'enveloped-twos', handler: 'enveloped/enveloped.py', yaml: batches(2) },
  { name: 'utilities', handler: 'utilities/utilities.py', extra: labels },
  { name: 'requires', handler: answers, requirements: 'not-on-any-index-by-this-name==9.9.9\n' },
]

const names = ['torch/index_to_name.json']
const script = { handler: 'torch/base.py', serializedFile: 'net.pt' }
const six = { serializedFile: 'six.pt', extra: names }

/** Archives whose handlers need torch; serialized files are those that `torch/build.py` made. */
export const torchArchives: readonly Packed[] = [
  { name: 'script', ...script, extra: names },
  { name: 'script-threes', ...script, yaml: batches(3) },
  { name: 'eager', handler: 'torch/base.py', modelFile: 'torch/net.py', serializedFile: 'weights.pth' },
  { name: 'unloaded', handler: 'torch/base.py', modelFile: 'torch/net.py' },
  { name: 'no-network', handler: 'torch/plain.py', serializedFile: 'weights.pth' },
  {
    name: 'two-nets',
    handler: 'torch/plain.py',
    modelFile: 'torch/two_nets.py',
    serializedFile: 'weights.pth',
  },
  { name: 'classifier', handler: 'torch/classifier.py', ...six },
  { name: 'unnamed', handler: 'torch/classifier.py', serializedFile: 'six.pt' },
  { name: 'short-names', handler: 'torch/classifier.py', serializedFile: 'six.pt', extra: ['torch/short'] },
  { name: 'three', handler: 'image_classifier', serializedFile: 'three.pt' },
  { name: 'postprocessed', handler: 'torch/postprocessed.py', ...six },
  { name: 'vision', handler: 'torch/vision.py', ...six },
  { name: 'detector', handler: 'torch/detector.py', modelFile: 'torch/boxes.py', extra: names },
  { name: 'unnamed-detector', handler: 'object_detector', modelFile: 'torch/boxes.py' },
  { name: 'tensors', handler: 'torch/tensors.py' },
  { name: 'micro', handler: 'torch/micro.py' },
  { name: 'micro-fours', handler: 'torch/micro.py', yaml: batches(4) },
  { name: 'arrays', handler: 'enveloped/arrays.py' },
]
