/** The probes in OpenAPI 3.1: what `probes.ts` answers. */

type Json = Readonly<Record<string, unknown>>

const text: Json = { type: 'string' }
const modelSchema: Json = {
  type: 'object',
  required: ['modelName', 'ready'],
  properties: { modelName: text, modelVersion: text, ready: { type: 'boolean' }, reason: text },
}

const serverSchema = (...words: readonly string[]): Json => ({
  type: 'object',
  required: ['status'],
  properties: {
    status: { type: 'string', enum: words },
    models: { type: 'array', items: modelSchema },
    reason: text,
  },
})

const answer = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
})

const notThere = answer('The model or version is not there.', { $ref: '#/components/schemas/Error' })

/** A GET that is 200 or 503, with one body for both. */
const probe = (operationId: string, { summary, schema }: { summary: string; schema: Json }) => ({
  operationId,
  summary,
  responses: { 200: answer('Yes.', schema), 503: answer('No; the body says why.', schema) },
})

/** A probe of one model, which may not be there. */
function modelProbe(operationId: string, parameters: readonly string[]): Json {
  const { responses, ...rest } = probe(operationId, {
    summary: 'Can this model answer?',
    schema: modelSchema,
  })
  return {
    parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: text })),
    get: { ...rest, responses: { ...responses, 404: notThere } },
  }
}

/** Paths of the probes. */
export const probePaths: Json = {
  '/live': {
    get: probe('live', { summary: 'Does the server turn?', schema: serverSchema('Live', 'Stopping') }),
  },
  '/startup': {
    get: probe('startup', {
      summary: 'Have the models of the start been loaded, or failed?',
      schema: serverSchema('Started', 'Starting'),
    }),
  },
  '/ready': {
    get: probe('ready', {
      summary: 'Can every model of the start answer?',
      schema: serverSchema('Ready', 'Not ready'),
    }),
  },
  '/ready/{model_name}': modelProbe('ready_model', ['model_name']),
  '/ready/{model_name}/{model_version}': modelProbe('ready_version', ['model_name', 'model_version']),
}
