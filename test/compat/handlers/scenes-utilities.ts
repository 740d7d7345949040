/** What `ts` offers beside the handlers (contract python-handlers §3.2, §12, §13.1). */
import { act, infer, manage, type Step } from '../step.js'

const labels = ['text', 'list', 'objects', 'number', 'list-of-numbers', 'array', 'missing', 'no-json']
const maps = [
  'map',
  'map-without',
  'map-classes',
  'map-classes-without',
  'map-unknown',
  'map-no-list',
  'map-no-dict',
]
const classes = ['classes', 'classes-of-base', 'import-class', 'import-class-prefix', 'import-class-unknown']
const others = ['map-empty', 'import-class-empty', 'import-class-no-module', 'yaml', 'yaml-missing']
const contexts = ['constructed', 'processor', 'mocked', 'old-streaming', 'dimensions']
const metrics = ['time-unit', 'size-unit', 'metric-type', 'metric-unknown', 'metric-declared']

/** Each call, and what it raises. */
export const utilitySteps: readonly Step[] = [
  manage('POST /models?url=utilities.mar&initial_workers=1'),
  ...[...labels.map((name) => `labels-${name}`), ...maps, ...classes, ...others, ...contexts, ...metrics].map(
    (word) => infer('POST /predictions/utilities', act(word, { body: 'x' })),
  ),
]
