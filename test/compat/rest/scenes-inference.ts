/** The inference port (contract rest-api §4–6), and HTTP itself (§14, §16). */
import { act, infer, manage, multipart, typed, type More, type Step } from '../step.js'

const PROBE = '/predictions/probe'
const show = (more: More, note: string): Step => infer(`POST ${PROBE}`, { ...more, note })
const field = (name: string, ...more: string[]) => [`Content-Disposition: form-data; name="${name}"`, ...more]
const file = (name: string, ...more: string[]) => [
  `Content-Disposition: form-data; name="${name}"; filename="a.bin"`,
  ...more,
]

const routes: Step[] = [
  ...['GET', 'PUT', 'DELETE', 'PATCH', 'POST', 'HEAD'].map((method) => infer(`${method} /ping`)),
  infer('GET /ping/more/segments'),
  infer('GET /ping?x=1'),
  infer('GET /PING'),
  ...['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'].map((method) => infer(`${method} ${PROBE}`)),
  infer(`POST ${PROBE}/1.0`, { body: 'x' }),
  infer(`POST ${PROBE}/9.9`, { body: 'x' }),
  infer('POST /predictions/none', { body: 'x' }),
  infer('POST /predictions/none/1.0', { body: 'x' }),
  infer('POST /predictions', { body: 'x' }),
  infer('POST /predictions/', { body: 'x' }),
  infer(`POST ${PROBE}/`, { body: 'x' }),
  infer(`POST ${PROBE}/1.0/v1/chat/completions`, act('headers', { body: 'x' })),
  infer('OPTIONS /predictions/none'),
  infer('POST /explanations/probe', act('headers', { body: 'x' })),
  infer('POST /explanations/probe/1.0', { body: 'x' }),
  infer('POST /explanations/none', { body: 'x' }),
  infer('POST /explanations', { body: 'x' }),
  infer('POST /invocations', { note: 'no model', body: 'x' }),
  infer('POST /invocations?model_name=probe', { body: 'x' }),
  infer('POST /invocations?model_name=none', { body: 'x' }),
  infer('POST /invocations?model_name=probe&a=1&b=2', { body: 'x' }),
  infer('POST /invocations', {
    ...multipart([
      [field('model_name'), 'probe'],
      [field('data'), 'x'],
    ]),
    note: 'model in the form',
  }),
  infer('POST /invocations/more?model_name=probe', { body: 'x' }),
  infer('POST /models/probe/invoke?a=1', { body: 'x' }),
  infer('POST /models/none/invoke', { body: 'x' }),
  infer('POST /models/probe/other', { body: 'x' }),
  infer('GET /probe/predict?data=test'),
  infer('GET /probe/1.0/predict?data=test'),
  infer('GET /probe/9.9/predict?data=test'),
  infer('GET /none/predict?data=test'),
  infer('GET /probe/predict', act('headers')),
  infer('POST /v1/models/probe:predict', act('headers', { body: 'x' })),
  infer('POST /v1/models/probe:explain', act('headers', { body: 'x' })),
  infer('POST /v1/models/probe', { body: 'x' }),
  infer('POST /v1/models/none:predict', { body: 'x' }),
  infer('POST /v2/models/probe/infer', act('headers', { body: 'x' })),
  infer('POST /v2/models/probe/explain', { body: 'x' }),
  infer('POST /v2/models/none/infer', { body: 'x' }),
  infer('GET /v2/health/live'),
  infer('GET /v2/health/ready'),
  infer('GET /v2'),
  infer(`GET ${PROBE}?a=1`, { note: 'query is not passed on' }),
  infer('GET /predictions/pro%62e'),
  infer('GET /predictions/%zz'),
  infer('GET /predictions%2Fprobe'),
]

const decoding: Step[] = [
  show({ body: 'raw' }, 'no content type'),
  show({ body: '' }, 'empty body'),
  show(typed('application/json', '{"a": 1, "b": [true, null]}'), 'JSON'),
  show(typed('application/json; charset=utf-8', '{"a": 1}'), 'JSON with a parameter'),
  show(typed('Application/JSON', '{"a": 1}'), 'JSON in another case'),
  show(typed('application/json', '{"a":'), 'bad JSON'),
  show(typed('application/json', ''), 'empty JSON'),
  show(typed('application/json', '\xc3\xbc'), 'JSON of a non-ASCII byte'),
  show(typed('application/vnd.api+json', '{"a": 1}'), 'another JSON type'),
  show(typed('text/plain', 'hi'), 'text'),
  show(typed('text/csv', 'a,b'), 'CSV'),
  show(typed('text/plain', '\xff\xfe'), 'text that is not UTF-8'),
  show(typed('text/plain; charset=latin-1', '\xfc'), 'text in latin-1'),
  show(typed('application/octet-stream', '\x00\x01\xff'), 'bytes'),
  show(typed('image/png', '\x89PNG'), 'a picture'),
  show(typed('nonsense', 'x'), 'a type without a slash'),
  show(typed('', 'x'), 'an empty type'),
  show(typed('application/x-www-form-urlencoded', 'data=test&more=1'), 'form'),
  show(typed('Application/X-WWW-Form-Urlencoded', 'data=test'), 'form in another case'),
  show(typed('application/x-www-form-urlencoded', 'a=1&a=2'), 'a field twice'),
  show(typed('application/x-www-form-urlencoded', 'a&b=2'), 'a field without ='),
  show(typed('application/x-www-form-urlencoded', 'b=2&a'), 'a last field without ='),
  show(typed('application/x-www-form-urlencoded', 'a'), 'only a name'),
  show(typed('application/x-www-form-urlencoded', ''), 'empty form'),
  show(typed('application/x-www-form-urlencoded', 'a=%C3%BC+b'), 'escapes'),
  show(typed('application/x-www-form-urlencoded', 'a=1;b=2'), 'a semicolon'),
  show(multipart([[field('data'), 'x']]), 'one field'),
  show(multipart([[file('data', 'Content-Type: image/png'), '\x89PNG']]), 'one file'),
  show(multipart([[file('data', 'Content-Type: application/json'), '{"a": 1}']]), 'a JSON file'),
  show(multipart([[file('data', 'Content-Type: text/plain'), 'hi']]), 'a text file'),
  show(multipart([[file('data'), 'x']]), 'a file without type'),
  show(multipart([[field('data', 'Content-Type: application/json'), '{"a": 1}']]), 'a field with a type'),
  show(
    multipart([
      [field('a'), '1'],
      [field('a'), '2'],
      [file('b', 'Content-Type: text/plain'), 'two'],
    ]),
    'a part twice',
  ),
  show(multipart([]), 'no parts'),
  show({ headers: ['Content-Type: multipart/form-data'], body: 'x' }, 'no boundary'),
  show(
    { ...multipart([[field('a'), '1']]), headers: ['Content-Type: Multipart/Form-Data; boundary=frontier'] },
    'multipart in another case',
  ),
  show(
    { ...multipart([[field('a'), '1']]), headers: ['Content-Type: multipart/form-data; boundary=other'] },
    'a wrong boundary',
  ),
  show(
    {
      headers: ['Content-Type: multipart/form-data; boundary=frontier'],
      body: '--frontier\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
    },
    'no end boundary',
  ),
  show(
    { headers: ['Content-Type: application/json', 'Content-Type: text/plain'], body: '{"a": 1}' },
    'two types',
  ),
  show({ headers: ['Content-Encoding: gzip'], body: 'not gzip' }, 'an encoding'),
]

const headers: Step[] = [
  infer(`POST ${PROBE}`, act('headers', { body: 'x', headers: ['X-Custom: One', 'x-lower: two'] })),
  infer(`POST ${PROBE}`, {
    ...act('headers', { body: 'x', headers: ['X-Twice: 1', 'X-Twice: 2'] }),
    note: 'a header twice',
  }),
  infer(`POST ${PROBE}`, {
    ...act('headers', { body: 'x', headers: ['X-Text: \xc3\xbc'] }),
    note: 'a non-ASCII header',
  }),
  infer(`GET ${PROBE}`, { ...act('headers'), note: 'headers without a body' }),
  infer(`POST ${PROBE}`, {
    ...act('headers', { ...multipart([[file('f', 'Content-Type: image/png'), 'x']]) }),
    headers: ['X-Do: headers', 'Content-Type: multipart/form-data; boundary=frontier'],
    note: 'headers of a form',
  }),
  infer(`POST ${PROBE}`, {
    ...act('headers', { body: 'x', headers: ['x-request-id: mine'] }),
    note: 'a request id',
  }),
  infer(`POST ${PROBE}`, {
    ...act('headers', { body: 'x' }),
    headers: ['X-Do: headers', 'Content-Type: text/plain; charset=utf-8'],
    note: 'headers with a type',
  }),
]

const answers: Step[] = [
  ...['bytes', 'bytearray', 'text', 'json', 'number', 'float', 'nan', 'none', 'empty', 'properties'],
  'unserialisable',
  'status:201:Created',
  'status:418:',
  "status:400:It's wrong",
  'status:507:full',
  'status:503:busy',
  'status:299:odd',
  'status:204:',
  'status:404:',
  'header:x-mine=1',
  'header:content-type=text/html; charset=utf-8',
  'header:x-request-id=mine',
  'header:cache-control=public',
  'content-type:application/json',
  'content-type:image/png',
  'raise:out of luck',
  'raise:CUDA error',
  'memory:too large',
  'prediction-exception:404:Not here',
  'prediction-exception:503:Busy',
  'prediction-exception:500:Own text',
  'stream:hello,hello,hello',
  'stream:one',
].map((what) => infer(`POST ${PROBE}`, act(what, { body: 'x' })))

const wholeBatch: Step[] = [
  manage('POST /models?url=not-a-list.mar&initial_workers=1'),
  infer('POST /predictions/not-a-list', { body: 'x' }),
  manage('POST /models?url=too-long.mar&initial_workers=1'),
  infer('POST /predictions/too-long', { body: 'x' }),
  manage('POST /models?url=slow.mar&initial_workers=1&response_timeout=1'),
  infer('POST /predictions/slow', { note: 'within the response timeout', body: '0.01' }),
]

/** What is asked of a probe that serves. */
export const inferenceSteps: readonly Step[] = [...routes, ...decoding, ...headers, ...answers, ...wholeBatch]

/** HTTP itself. */
export const protocolSteps: readonly Step[] = [
  infer(`POST ${PROBE}`, {
    note: 'chunked',
    headers: ['Transfer-Encoding: chunked'],
    contentLength: 'none',
    body: '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  }),
  infer(`POST ${PROBE}`, {
    note: 'chunked with an extension',
    headers: ['Transfer-Encoding: chunked'],
    contentLength: 'none',
    body: '3;x=y\r\nabc\r\n0\r\n\r\n',
  }),
  infer(`POST ${PROBE}`, {
    ...act('headers', {
      headers: ['Transfer-Encoding: chunked'],
      contentLength: 'none',
      body: '3\r\nabc\r\n0\r\n\r\n',
    }),
    note: 'headers of a chunked request',
  }),
  infer('GET /ping HTTP/1.0'),
  infer('GET /ping HTTP/1.0', { note: 'keep-alive', headers: ['Connection: keep-alive'] }),
  infer('GET /ping', { note: 'connection close', headers: ['Connection: close'] }),
  infer(`POST ${PROBE}`, { note: 'expect', headers: ['Expect: 100-continue'], body: 'x' }),
  infer('GET /ping', { note: 'a long header', headers: [`X-Long: ${'x'.repeat(7000)}`] }),
  infer('GET /ping', { note: 'headers that are too long', headers: [`X-Long: ${'x'.repeat(9000)}`] }),
  infer(`GET /ping?${'x'.repeat(4000)}`, { note: 'a long line' }),
  infer(`GET /ping?${'x'.repeat(5000)}`, { note: 'a line that is too long' }),
  infer('GET /ping?a=1#fragment'),
  infer('GET http://localhost/ping'),
  infer('GET ping'),
  infer('FOO /ping'),
  infer('FOO /predictions/probe'),
]
