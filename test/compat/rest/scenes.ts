/** What is asked of both servers: every endpoint with every error of the contract (rest-api §1–7, 9, 12–14, 16). */
import { inferenceSteps, protocolSteps } from './scenes-inference.js'
import { managementSteps } from './scenes-management.js'
import { infer, manage, measure, until, type Scene, type Step } from '../step.js'

const open = ['--disable-token-auth', '--enable-model-api']
const register = (model: string, more = ''): Step =>
  manage(`POST /models?url=${model}.mar&initial_workers=1${more}`)

const wrongPorts: Step[] = [
  manage('GET /ping'),
  manage('POST /predictions/probe'),
  infer('GET /models'),
  infer('GET /metrics'),
  measure('GET /ping'),
  measure('GET /models'),
  measure('GET /'),
  infer('GET /'),
  infer('POST /'),
  manage('GET /'),
  manage('DELETE /'),
  infer('GET /no/such/path'),
  manage('GET /no-such-path'),
  infer('GET /token'),
  manage('GET /token'),
]

const documents: Step[] = [
  infer('OPTIONS /'),
  manage('OPTIONS /'),
  measure('OPTIONS /'),
  infer('GET /api-description'),
  manage('POST /api-description'),
  measure('GET /api-description'),
  infer('OPTIONS /predictions/probe'),
  infer('OPTIONS /predictions/probe/1.0'),
  infer('OPTIONS /predictions/none'),
  infer('OPTIONS /explanations/probe'),
  infer('OPTIONS /ping'),
  manage('OPTIONS /models/probe'),
  manage('OPTIONS /models/probe/1.0'),
  manage('OPTIONS /models/none'),
  infer('GET /api-description/more'),
]

const tokens: Step[] = [
  infer('OPTIONS /', { note: 'the description needs no token' }),
  infer('GET /api-description', { note: 'the description needs no token' }),
  infer('GET /ping', { note: 'no token' }),
  infer('GET /predictions/probe', { note: 'no token' }),
  infer('GET /no-such-path', { note: 'no token' }),
  manage('GET /models', { note: 'no token' }),
  manage('POST /models?url=probe.mar', { note: 'no token' }),
  manage('GET /no-such-path', { note: 'no token' }),
  manage('GET /token?type=inference', { note: 'no token' }),
  infer('GET /ping', { note: 'wrong token', headers: ['Authorization: Bearer wrong'] }),
  infer('GET /ping', { note: 'no word', headers: ['Authorization: wrong'] }),
  infer('GET /ping', { note: 'empty', headers: ['Authorization: '] }),
  { kind: 'read-keys' },
  infer('GET /ping', { note: 'inference key', headers: ['Authorization: Bearer {inference}'] }),
  infer('GET /ping', { note: 'management key', headers: ['Authorization: Bearer {management}'] }),
  infer('GET /ping', { note: 'API key', headers: ['Authorization: Bearer {API}'] }),
  infer('GET /ping', { note: 'lower-case word', headers: ['Authorization: bearer {inference}'] }),
  infer('GET /ping', { note: 'Basic', headers: ['Authorization: Basic {inference}'] }),
  infer('GET /ping', { note: 'lower-case header', headers: ['authorization: Bearer {inference}'] }),
  infer('GET /ping', { note: 'two blanks', headers: ['Authorization: Bearer  {inference}'] }),
  infer('GET /ping', { note: 'more words', headers: ['Authorization: Bearer {inference} more'] }),
  manage('GET /models', { note: 'management key', headers: ['Authorization: Bearer {management}'] }),
  manage('GET /models', { note: 'inference key', headers: ['Authorization: Bearer {inference}'] }),
  manage('GET /models/none', { note: 'management key', headers: ['Authorization: Bearer {management}'] }),
  manage('POST /models?url=probe.mar&initial_workers=1', {
    note: 'management key',
    headers: ['Authorization: Bearer {management}'],
  }),
  infer('GET /predictions/probe', { note: 'inference key', headers: ['Authorization: Bearer {inference}'] }),
  infer('GET /predictions/none', { note: 'inference key', headers: ['Authorization: Bearer {inference}'] }),
  infer('GET /predictions/probe', { note: 'wrong key', headers: ['Authorization: Bearer {management}'] }),
  measure('GET /no-such-path', { note: 'metrics need no token' }),
  manage('GET /token', { note: 'no type', headers: ['Authorization: Bearer {API}'] }),
  manage('GET /token?type=other', { note: 'other type', headers: ['Authorization: Bearer {API}'] }),
  manage('GET /token?type=inference', { note: 'wrong key', headers: ['Authorization: Bearer {management}'] }),
  manage('GET /token?type=inference', { note: 'API key', headers: ['Authorization: Bearer {API}'] }),
  infer('GET /ping', { note: 'the key before', headers: ['Authorization: Bearer {inference}'] }),
  { kind: 'read-keys' },
  infer('GET /ping', { note: 'the key after', headers: ['Authorization: Bearer {inference}'] }),
  manage('POST /token?type=management', { note: 'POST', headers: ['Authorization: Bearer {API}'] }),
  manage('GET /models', { note: 'the key before', headers: ['Authorization: Bearer {management}'] }),
  { kind: 'read-keys' },
  manage('GET /models', { note: 'the key after', headers: ['Authorization: Bearer {management}'] }),
]

const onePort: Step[] = [
  infer('GET /ping'),
  infer('GET /models'),
  register('probe'),
  infer('GET /models'),
  infer('GET /models/probe'),
  infer('POST /predictions/probe', { body: 'x' }),
  infer('POST /models/probe/invoke', { body: 'x' }),
  infer('PUT /models/probe/1.0/set-default'),
  infer('PUT /models/probe?min_worker=1&model_version=1.0&synchronous=true'),
  infer('GET /v1/models/probe'),
  infer('POST /v1/models/probe:predict', { body: 'x' }),
  infer('PUT /models'),
  infer('POST /models?url=none.mar'),
  infer('GET /models/none'),
  infer('GET /no-such-path'),
  infer('GET /probe/predict?data=test'),
  infer('GET /metrics'),
  measure('GET /metrics'),
  infer('DELETE /models/probe'),
  infer('GET /models'),
]

const modelApiOff: Step[] = [
  manage('POST /models?url=probe.mar'),
  manage('POST /models'),
  manage('DELETE /models/probe'),
  manage('DELETE /models/probe/1.0'),
  manage('DELETE /models/none'),
  manage('GET /models'),
  until('/models/probe', /READY/),
  manage('GET /models/probe'),
  manage('PUT /models/probe?min_worker=1&synchronous=true'),
  manage('PUT /models/probe/1.0/set-default'),
  infer('POST /predictions/probe', { body: 'x' }),
  infer('POST /invocations', { note: 'the one model of the start', body: 'x' }),
  infer('POST /invocations?model_name=probe', { body: 'x' }),
  infer('POST /invocations?model_name=none', { body: 'x' }),
]

const limits: Step[] = [
  infer('GET /ping', { note: 'CORS' }),
  infer('OPTIONS /no-such-path', { note: 'CORS' }),
  manage('OPTIONS /models', { note: 'CORS' }),
  manage('GET /models', { note: 'CORS' }),
  register('probe'),
  infer('POST /predictions/probe', {
    note: 'at the limit',
    headers: ['X-Do: number'],
    body: 'x'.repeat(1000),
  }),
  infer('POST /predictions/probe', { note: 'one below', headers: ['X-Do: number'], body: 'x'.repeat(999) }),
  infer('POST /predictions/probe', {
    note: 'a header that CORS has too',
    headers: ['X-Do: header:access-control-allow-origin=https://mine.example'],
  }),
  infer('GET /predictions/none', { note: 'CORS on an error' }),
]

/** All scenes. */
export const scenes: readonly Scene[] = [
  {
    name: 'management',
    config: ['default_workers_per_model=0'],
    flags: open,
    shared: false,
    steps: [...wrongPorts, ...managementSteps],
  },
  {
    name: 'inference',
    config: ['default_workers_per_model=0'],
    flags: open,
    shared: false,
    steps: [register('probe'), ...inferenceSteps],
  },
  {
    name: 'protocol',
    config: ['default_workers_per_model=0'],
    flags: open,
    shared: false,
    steps: [register('probe'), ...protocolSteps],
  },
  {
    name: 'documents',
    config: [],
    flags: open,
    shared: false,
    steps: [register('probe'), ...documents],
  },
  { name: 'one-port-document', config: [], flags: open, shared: true, steps: [infer('OPTIONS /')] },
  { name: 'tokens', config: [], flags: ['--enable-model-api'], shared: false, steps: tokens },
  { name: 'one-port', config: [], flags: open, shared: true, steps: onePort },
  {
    name: 'model-api-off',
    config: ['default_workers_per_model=1'],
    flags: ['--disable-token-auth', '--models', 'probe=probe.mar'],
    shared: false,
    steps: modelApiOff,
  },
  {
    name: 'limits',
    config: [
      'max_request_size=1000',
      'cors_allowed_origin=https://example.org',
      'cors_allowed_methods=GET, POST, PUT, OPTIONS',
      'cors_allowed_headers=X-Custom-Header',
    ],
    flags: open,
    shared: false,
    steps: limits,
  },
]
