/** Where handlers are answered otherwise on purpose: each with its reason; `docs/compatibility.md` tells them in words. */
import type { Deviation, Deviations } from '../comparison.js'

const livesOn = (status: string, body: RegExp): Deviation => ({
  reason: 'One answer that cannot be sent does not cost the worker, which dies of it in the original.',
  statusLine: `HTTP/1.1 ${status}`,
  body,
})

/** By scene and title. */
export const deviations: Deviations = {
  data: {
    'inference: POST /predictions/answers (types of parts among the headers)': {
      reason: 'The type of a part is its type; the original shows the last parameter in its place.',
      edit: ['"x=y"', '"image/png"'],
    },
  },
  answers: {
    'inference: POST /predictions/answers (prediction-exception:200:Fine)': {
      reason:
        'An exception is no success: 500 with its text, where the original answers 200 with the word error.',
      statusLine: 'HTTP/1.1 500 Internal Server Error',
      body: /"code": 500,\n {2}"type": "InternalServerException",\n {2}"message": "Fine"/,
      headers: { 'content-type': 'application/json', connection: 'close' },
    },
  },
  deadly: {
    'inference: POST /predictions/answers (circular)': livesOn(
      '503 Service Unavailable',
      /"message": "Unsupported model output data type\."/,
    ),
    'inference: POST /predictions/answers (surrogate)': {
      ...livesOn('200 ', /^half \?$/),
      headers: { 'content-type': null, connection: 'keep-alive' },
    },
    'inference: POST /predictions/answers (set-odd:number)': livesOn(
      '503 Service Unavailable',
      /"message": "The handler set the header X-Odd to 5, which no header can hold\."/,
    ),
  },
  utilities: {
    'inference: POST /predictions/utilities (map-empty)': {
      reason: 'No rows have no labels: an empty list, not an IndexError.',
      body: /^\[\]$/,
    },
    'inference: POST /predictions/utilities (size-unit)': {
      reason: 'A wrong unit of a size raises what a wrong unit of a time raises, which is a ValueError too.',
      edit: ['"ValueError",\n  [\n', '"MetricsCacheValueError",\n  [\n    "ValueError",\n'],
    },
  },
  context: {
    'management: POST /models?url=empty-config.mar&initial_workers=1': {
      reason: 'An empty configuration file says nothing; the original fails with a NullPointerException.',
      statusLine: 'HTTP/1.1 200 OK',
      body: /registered with 1 initial workers/,
      headers: { connection: 'keep-alive' },
    },
  },
}

/** Of the scenes on torch. */
export const torchDeviations: Deviations = {}
