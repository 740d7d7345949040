/** What a handler returns and raises (contract python-handlers §5, §6, §8.1), alone and in batches; its context (§3). */
import { act, infer, logged, manage, together, type Step } from '../step.js'

const one = (what: string, model = 'answers'): Step =>
  infer(`POST /predictions/${model}`, act(what, { body: 'x' }))

const values = [
  ...['bytes', 'bytearray', 'empty-bytes', 'text', 'empty-text', 'dict', 'keys', 'list', 'empty-list'],
  ...['empty-dict', 'tuple', 'int', 'large-int', 'negative', 'float', 'exponent', 'nan', 'true', 'false'],
  ...['none', 'escapes', 'long', 'subclass-of-list', 'same', 'length'],
]

const aspects = [
  'status:201',
  'status:201:Made here',
  'status:418',
  'status:404:Not here',
  'status:503:Busy',
  'status:299:Odd',
  'set-header:X-Mine=1',
  'set-header:Content-Type=text/csv',
  'set-header:content-type=text/csv; charset=utf-8',
  'set-header:X-Request-Id=mine',
  'set-header:Pragma=mine',
  'set-header:Connection=close',
  'set-header:Content-Length=3',
  'set-header:X-Blank=a  b',
  'content-type:application/json',
  'all-status:202',
  'all-status:429',
  'processor',
  'processor:409',
]

const unsupported = [
  'set',
  'object',
  'class',
  'function',
  'generator',
  'complex',
  'exception',
  'memoryview',
  'tuple-key',
]
const shapes = ['none', 'text', 'bytes', 'dict', 'tuple', 'int', 'set', 'generator', 'map'].map(
  (one) => `whole-${one}`,
)
const lengths = ['too-few', 'too-many', 'no-rows']
const raised = [
  ...['value-error:out of luck', 'key-error:a', 'assertion:no', 'runtime:broken', 'stop-iteration:end'],
  ...['os-error', 'unicode', 'raise-from', 'recursion', 'memory:too large', 'runtime:CUDA out of memory'],
  ...['value-error:CUDA', 'value-error:cuda', 'prediction-exception:404:Not here'],
  ...['prediction-exception:413:Too large', 'prediction-exception:513:Own', 'prediction-exception:599:Last'],
  ...[
    'prediction-exception:400:It\'s "wrong"',
    'prediction-exception:503:Busy',
    'prediction-exception-default',
  ],
  ...['prediction-exception:507:Full', 'prediction-exception:418:Short', 'prediction-exception:422:Odd'],
  ...[402, 406, 408, 414, 416, 425, 428, 429, 431, 451, 501, 508, 510, 511, 600].map(
    (status) => `prediction-exception:${status}:Status`,
  ),
  'prediction-exception:200:Fine',
]

const streams = [
  ...['stream:one', 'stream:one,two,three', 'stream-old', 'stream-values', 'stream-status:206'],
]

/** Each value, status, header, error and stream, for one request. */
export const answerSteps: readonly Step[] = [
  manage('POST /models?url=answers.mar&initial_workers=1'),
  ...values.map((what) => one(what)),
  ...aspects.map((what) => one(what)),
  one('mark:the same process'),
  ...[...unsupported, ...shapes, ...lengths, ...raised].map((what) => one(what)),
  one('marked'),
  one('value-error:in the log'),
  logged('an exception', /^ValueError: in the log/),
  one('raise-from'),
  logged(
    'a chain of exceptions',
    /^(KeyError: 'first'|The above exception|ValueError: second)/,
    /^ValueError: second/,
  ),
  one('too-many'),
  logged('a wrong length', /^model: answers, number of batch response.* got: 2/),
  one('whole-dict'),
  logged('a wrong type', /Invalid return type.*dict/),
  ...streams.map((what) => one(what)),
  one('attributes'),
  one('marked'),
]

/** What the original's worker dies of. */
export const deadlySteps: readonly Step[] = [
  manage('POST /models?url=answers.mar&initial_workers=1'),
  ...['circular', 'surrogate', 'set-odd:number'].map((what) => one(what)),
]

/** The context at load and with a request. */
export const contextSteps: readonly Step[] = [
  manage('POST /models?url=answers.mar&initial_workers=1&model_name=renamed'),
  ...['of-load', 'of-request', 'request-id', 'shown-id', 'properties', 'processor', 'equal'].map((what) =>
    one(what, 'renamed'),
  ),
  ...['remember:a', 'remember:b', 'of-request'].map((what) => one(what, 'renamed')),
  infer('POST /predictions/renamed', act('processor', { headers: ['X-Mine: seen'], body: 'x' })),
  manage('POST /models?url=configured.mar&initial_workers=1'),
  one('of-load', 'configured'),
  one('of-request', 'configured'),
  manage('POST /models?url=empty-config.mar&initial_workers=1'),
  manage('GET /models/renamed?customized=true'),
]

const batch = (model: string, words: readonly string[], note: string): Step =>
  together(
    note,
    words.map((what, at) => infer(`POST /predictions/${model}`, act(what, { body: `row ${at}` }))),
  )

const threes = (what: string): Step => batch('threes', [what, what, what], 'three')

/** Batches of three and four that are full. */
export const batchSteps: readonly Step[] = [
  manage('POST /models?url=threes.mar'),
  manage('POST /models?url=fours.mar'),
  batch('fours', ['position', 'position', 'position', 'position'], 'four rows in order'),
  batch('fours', ['text', 'dict', 'bytes', 'none'], 'four values'),
  batch('fours', ['status:418:Short', 'status:201', 'length', 'content-type:text/csv'], 'four statuses'),
  batch('fours', ['request-id', 'shown-id', 'shown-id', 'request-id'], 'four ids'),
  together('four forms', [
    infer('POST /predictions/fours', {
      headers: ['X-Do: position', 'Content-Type: text/plain'],
      body: 'text',
    }),
    infer('POST /predictions/fours', {
      headers: ['X-Do: position', 'Content-Type: application/json'],
      body: '[1]',
    }),
    infer('POST /predictions/fours', {
      headers: ['X-Do: position', 'Content-Type: application/x-www-form-urlencoded'],
      body: 'data=1&more=2',
    }),
    infer('POST /explanations/fours', { headers: ['X-Do: header:explain,X-Own', 'X-Own: mine'], body: 'x' }),
  ]),
  batch('threes', ['of-request', 'of-load', 'properties'], 'contexts'),
  batch('threes', ['mark:the same process', 'show', 'show'], 'a mark'),
  ...['all-status:202', 'length', 'stream:one,two', 'stream-old', 'stream-status:206'].map(threes),
  ...lengths.map(threes),
  ...['whole-none', 'whole-tuple', 'whole-dict', 'whole-generator'].map(threes),
  batch('threes', ['text', 'object', 'text'], 'one that is unsupported'),
  batch('threes', ['stream:piece', 'text', 'text'], 'the first streams for all'),
  ...raised.slice(0, 2).map(threes),
  ...['memory:too large', 'runtime:CUDA error', 'prediction-exception:404:Not here', 'raise-from'].map(
    threes,
  ),
  batch('threes', ['marked', 'marked', 'marked'], 'the mark'),
]
