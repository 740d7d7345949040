/** What a request looks like to a handler (contract python-handlers §4), with and without decoding. */
import { infer, manage, multipart, typed, type More, type Step } from '../step.js'

const ANSWERS = '/predictions/answers'
const show = (more: More, note: string): Step => infer(`POST ${ANSWERS}`, { ...more, note })
const field = (name: string, ...more: string[]) => [`Content-Disposition: form-data; name="${name}"`, ...more]
const file = (name: string, ...more: string[]) => [
  `Content-Disposition: form-data; name="${name}"; filename="a.bin"`,
  ...more,
]
const typedFile = (name: string, type: string) => file(name, `Content-Type: ${type}`)

const FORM = 'application/x-www-form-urlencoded'
const values = Array.from({ length: 256 }, (_, value) => value)
const every = String.fromCharCode(...values)
const escaped = values.map((value) => `%${value.toString(16).padStart(2, '0')}`).join('')

const bodies: readonly Step[] = [
  show({ body: 'raw' }, 'no type'),
  show({ body: every }, 'every byte'),
  show({ body: '{"a": 1}' }, 'JSON without a type'),
  show({ body: '' }, 'an empty body'),
  show({}, 'no body'),
  ...[
    '{"a": 1, "b": [true, null, 2.5]}',
    '[1, "two"]',
    '"text"',
    '7',
    '-1.5e3',
    'true',
    'null',
    '{}',
    '[]',
  ].map((json) => show(typed('application/json', json), `JSON ${json}`)),
  show(typed('application/json', '{"twice": 1, "twice": 2}'), 'JSON with a key twice'),
  show(typed('application/json', '[NaN, Infinity, 1e999]'), 'JSON with what is no JSON'),
  show(typed('application/json', '"\\u00fc \\ud83d\\ude00"'), 'JSON with escapes'),
  show(typed('application/json', '\xef\xbb\xbf{"a": 1}'), 'JSON with a byte order mark'),
  show(typed('application/json', '"\xc3\xbc"'), 'JSON in UTF-8'),
  show(typed('application/json', '"\xfc"'), 'JSON in latin-1'),
  show(typed('application/json', '{"a":'), 'broken JSON'),
  show(typed('application/json', ''), 'empty JSON'),
  show(typed('application/json; charset=utf-8', '{"a": 1}'), 'JSON with a parameter'),
  show(typed('application/json ;charset=utf-8', '{"a": 1}'), 'JSON with a blank before its parameter'),
  show(typed('Application/JSON', '{"a": 1}'), 'JSON in capitals'),
  show(typed('application/vnd.api+json', '{"a": 1}'), 'another JSON'),
  show(typed('text/plain', 'text'), 'text'),
  show(typed('text/plain; charset=latin-1', '\xc3\xbc'), 'text with a parameter'),
  show(typed('text/plain', '\xff\xfe'), 'text that is not UTF-8'),
  show(typed('text', 'text'), 'a type that only starts like text'),
  show(typed('Text/Plain', 'text'), 'text in capitals'),
  show(typed('text/html', ''), 'empty text'),
  show(typed('application/octet-stream', every), 'bytes'),
  show(typed('image/jpeg', '\xff\xd8\xff'), 'a picture'),
  infer(`PUT ${ANSWERS}`, { note: 'as curl -T sends', body: '\xff\xd8\xff' }),
  infer(`GET ${ANSWERS}`, { note: 'with a body', body: 'x' }),
]

const forms: readonly Step[] = [
  show(typed(FORM, '{"a":1}'), 'curl -d of JSON'),
  show(typed(FORM, 'data=hello'), 'curl -d of a field'),
  show(typed(FORM, `data=${escaped}`), 'every byte, escaped'),
  show(typed(FORM, 'a=1&b=2&a=3'), 'a field twice'),
  show(typed(FORM, 'a+b=c+d'), 'plus signs'),
  show(typed(FORM, 'data=&body='), 'empty fields'),
  show(multipart([[field('data'), 'x']]), 'a field'),
  show(multipart([[typedFile('data', 'image/jpeg'), every]]), 'a file of every byte'),
  show(multipart([[typedFile('data', 'text/plain'), 'note']]), 'a text file'),
  show(multipart([[typedFile('data', 'text/plain; charset=utf-8'), 'note']]), 'a text file with a parameter'),
  show(multipart([[typedFile('data', 'text/plain'), '\xff']]), 'a text file that is not UTF-8'),
  show(multipart([[typedFile('data', 'application/json'), '{"a": 1}']]), 'a JSON file'),
  show(multipart([[typedFile('data', 'application/json'), '{"a":']]), 'a broken JSON file'),
  show(multipart([[file('data'), '{"a": 1}']]), 'a file without a type'),
  show(multipart([[field('data', 'Content-Type: application/json'), '{"a": 1}']]), 'a field with a type'),
  show(
    multipart([
      [typedFile('img1', 'image/jpeg'), '\xff\xd8'],
      [typedFile('img2', 'image/jpeg'), '\xff\xd9'],
    ]),
    'two files',
  ),
  show(
    multipart([
      [field('a'), '1'],
      [field('a'), '2'],
    ]),
    'a part twice',
  ),
  show(
    multipart([
      [field('data'), ''],
      [typedFile('body', 'image/png'), ''],
    ]),
    'empty parts',
  ),
  show(multipart([[field('\xc3\xbc'), 'x']]), 'a name that is not ASCII'),
]

const routes: readonly Step[] = [
  `${ANSWERS}?a=1`,
  `${ANSWERS}/1.0?a=1`,
  '/models/answers/invoke?a=1&b=two%20words',
  '/invocations?model_name=answers&a=%C3%BC',
  '/answers/predict?a=1&a=2',
  '/v1/models/answers:predict?a=1',
  '/v2/models/answers/infer?a=1',
  '/explanations/answers?a=1',
].map((route) => infer(`POST ${route}`, { body: 'x' }))

const seen = (line: string, note: string, more: readonly string[] = []): Step =>
  infer(line, { note, headers: ['X-Do: headers', ...more], body: 'x' })

const asked = (names: string, more: readonly string[]): Step =>
  infer(`POST ${ANSWERS}`, {
    note: `the headers ${names}`,
    headers: [`X-Do: header:${names}`, ...more],
    body: 'x',
  })

const headers: readonly Step[] = [
  asked('Content-Type,content-type,CONTENT-TYPE', ['Content-Type: text/plain; charset=utf-8']),
  asked('Content-Type,content-type', ['content-type: text/plain']),
  asked('X-Mine,x-mine', ['X-Mine: Value']),
  asked('X-Twice', ['X-Twice: 1', 'X-Twice: 2']),
  asked('X-Absent,,explain,url_path,describe', []),
  asked('explain,url_path', ['explain: mine', 'url_path: mine']),
  asked('Content-Length,content-length,Host', []),
  asked('X-Empty', ['X-Empty:']),
  asked('X-Blanks', ['X-Blanks:   a  b   ']),
  seen('POST /predictions/answers/1.0/v1/chat', 'a path below the version'),
  seen('POST /predictions/answers/1.0/a%20b//c/', 'an odd path below the version'),
  seen('POST /explanations/answers', 'explain'),
  seen('POST /v1/models/answers:explain', 'explain of version 1'),
  seen('POST /v1/models/answers:predict', 'predict of version 1'),
  seen('POST /invocations?model_name=answers', 'invocations'),
  seen('POST /models/answers/invoke', 'invoke'),
  seen('POST /answers/predict', 'the old route'),
  infer(`POST ${ANSWERS}`, {
    ...multipart([
      [typedFile('f', 'image/png; x=y'), 'x'],
      [field('plain'), 'y'],
    ]),
    headers: ['X-Do: headers', 'Content-Type: multipart/form-data; boundary=frontier'],
    note: 'types of parts among the headers',
  }),
  manage('GET /models/answers?customized=true'),
]

const register = manage('POST /models?url=answers.mar&initial_workers=1')

/** Bodies, forms, routes and headers. */
export const dataSteps: readonly Step[] = [register, ...bodies, ...forms, ...routes, ...headers]
/** Bodies and forms as they come. */
export const rawDataSteps: readonly Step[] = [register, ...bodies, ...forms]
