/**
 * Where our answers differ from the recorded ones on purpose: each with its reason; `docs/compatibility.md` tells them in
 * words. An entry whose answer is the original's after all fails the comparison.
 */
import type { Deviation, Deviations } from '../comparison.js'

const badRequest = (message: string): Pick<Deviation, 'statusLine' | 'body'> => ({
  statusLine: 'HTTP/1.1 400 Bad Request',
  body: new RegExp(`"code": 400,\\n  "type": "BadRequestException",\\n  "message": "${message}`),
})

const notHttp: Deviation = {
  reason: 'A method that no HTTP knows is refused by the parser of node:http.',
  ...badRequest('Invalid HTTP message.'),
  headers: { 'content-type': 'application/json', connection: 'close' },
}
const clientsMistake = 'A body that cannot be read is the client’s mistake: 400, not 500.'
const unsetDelay: Deviation = {
  reason: 'A batch delay that a JSON body does not give is unset, not minus ten seconds.',
  edit: ['"maxBatchDelay": -10000', '"maxBatchDelay": 100'],
}
const realNames: Deviation = {
  reason: 'The document lists the names of runtimes that the API takes, not capitals that it refuses.',
  edit: ['"PYTHON",\n                "PYTHON3",', '"python",\n                "python3",'],
}
const honoursClose = (reason: string): Deviation => ({ reason, headers: { connection: 'close' } })

/** By scene and title. */
export const deviations: Deviations = {
  management: {
    'management: POST /models (not JSON)': {
      reason: clientsMistake,
      ...badRequest('The body is not JSON: '),
    },
    'management: POST /models (an array)': {
      reason: clientsMistake,
      ...badRequest('The body must be a JSON object'),
    },
    'management: POST /models?url=damaged.mar': {
      reason: 'A damaged archive is named as such, and is no fault of the server: 400, not 500.',
      statusLine: 'HTTP/1.1 400 Bad Request',
      body: /"type": "InvalidModelException",\n {2}"message": "damaged.mar: cannot be read as zip/,
    },
    'management: POST /models?url=text.mar (not an archive)': {
      reason: 'A file that is no archive is named as such.',
      body: /"type": "InvalidModelException",\n {2}"message": "text.mar: is neither a zip file/,
    },
    'management: GET /models/probe/all (three versions)': unsetDelay,
    'management: GET /models/probe/all?customized=true': unsetDelay,
    'management: GET /models/zero': {
      reason: 'A batch holds at least one job; a size of zero counts as not given.',
      edit: ['"batchSize": 0', '"batchSize": 1'],
    },
    'management: FOO /models': notHttp,
    'management: FOO /models/tarred': notHttp,
    'management: FOO /models/tarred/1.0': notHttp,
    'management: FOO /models/tarred/1.0/set-default': notHttp,
  },
  protocol: {
    'inference: GET /ping HTTP/1.0': honoursClose('HTTP/1.0 without keep-alive ends the connection.'),
    'inference: GET /ping (connection close)': honoursClose('The client’s wish is honoured.'),
    'inference: GET ping': {
      reason: 'A target that is no path is the client’s mistake: 400, not 500.',
      ...badRequest('Invalid HTTP message.'),
    },
    'inference: FOO /ping': notHttp,
    'inference: FOO /predictions/probe': notHttp,
  },
  documents: {
    'management: OPTIONS /': realNames,
    'management: POST /api-description': realNames,
  },
  'one-port-document': { 'inference: OPTIONS /': realNames },
}
