/**
 * TorchServe's API in the words of OpenAPI 3.0.1: what code generators read of it is the original's (contract rest-api §13),
 * quirks included; the texts are our own.
 */

/** A JSON Schema as OpenAPI 3.0 has it. */
export interface Schema {
  readonly type: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly description?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly default?: string
}

/** One parameter of an operation. */
export interface Parameter {
  readonly in: 'path' | 'query'
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly schema: Schema
}

/** What an operation takes or gives, by media type; a text alone where nothing is promised. */
export interface Payload {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
  readonly required?: boolean
}

/** One method of one path. */
export interface OperationDocument {
  readonly description?: string
  readonly operationId: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: Payload
  readonly responses: Readonly<Record<string, Payload>>
  readonly deprecated?: boolean
}

/** Paths in the order in which they are listed. */
export type PathsDocument = Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>

const string = (description?: string): Schema => ({ type: 'string', ...(description ? { description } : {}) })
const integer = (description: string): Schema => ({ type: 'integer', description })
const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema => ({ type: 'object', required, properties })

const json = (description: string, schema: Schema): Payload => ({
  description,
  content: { 'application/json': { schema } },
})

const statusSchema = object({ status: string('What has been done, in a sentence.') })
const errorSchema = object({
  code: integer('The HTTP status.'),
  type: string('Kind of the error.'),
  message: string('What went wrong, in a sentence.'),
})
const binary: Schema = { type: 'string', format: 'binary' }

const errorTexts: Readonly<Record<string, string>> = {
  400: 'A parameter is missing or cannot be',
  404: 'No such model or version',
  408: 'The model could not be cleaned up in time',
  409: 'This version is registered already',
  500: 'The server failed',
  503: 'No worker can take the request',
}
const statusTexts: Readonly<Record<string, string>> = {
  200: 'Done',
  202: 'Accepted; the work goes on',
  210: 'Done in part',
}

const errors = (...codes: readonly string[]): Record<string, Payload> =>
  Object.fromEntries(codes.map((code) => [code, json(errorTexts[code] ?? '', errorSchema)]))
const statuses = (...codes: readonly string[]): Record<string, Payload> =>
  Object.fromEntries(codes.map((code) => [code, json(statusTexts[code] ?? '', statusSchema)]))

const inPath = (name: string, description: string): Parameter => ({
  in: 'path',
  name,
  description,
  required: true,
  schema: { type: 'string' },
})
const inQuery = (name: string, { description = '', ...schema }: Schema): Parameter => ({
  in: 'query',
  name,
  description,
  required: false,
  schema,
})

const model = inPath('model_name', 'Name of the model.')
const version = inPath('model_version', 'Version of the model.')

const describeApi = (operationId: string, more: { readonly deprecated?: boolean } = {}) => ({
  description: 'This document.',
  operationId,
  parameters: [],
  responses: {
    200: json(
      'An OpenAPI document',
      object({ openapi: { type: 'string' }, info: { type: 'object' }, paths: { type: 'object' } }),
    ),
    ...errors('500'),
  },
  ...more,
})

const predictWith = (operationId: string, parameters: readonly Parameter[]) => ({
  description: 'Asks the model for a prediction.',
  operationId,
  parameters,
  requestBody: {
    description: 'Whatever the handler of the model takes.',
    content: { '*/*': { schema: binary } },
    required: true,
  },
  responses: {
    200: { description: 'Whatever the handler of the model gives.', content: { '*/*': { schema: binary } } },
    ...errors('404', '500', '503'),
  },
})

const flag = (name: string, description: string) =>
  inQuery(name, { type: 'boolean', default: 'false', description })
const number = (name: string, { description, preset }: { description: string; preset: string }) =>
  inQuery(name, { type: 'integer', default: preset, description })

const synchronous = flag('synchronous', 'Answer when the work is done.')

const listModels: OperationDocument = {
  description: 'The registered models, a page at a time.',
  operationId: 'listModels',
  parameters: [
    number('limit', { preset: '100', description: 'Models on a page, at most 100.' }),
    inQuery('next_page_token', { type: 'string', description: 'The token of the page before.' }),
  ],
  responses: {
    200: json(
      'A page of models',
      object(
        {
          nextPageToken: string('Leads to the next page, where there is one.'),
          models: {
            type: 'array',
            items: object({ modelName: string('Its name.'), modelUrl: string('Its archive.') }),
            description: 'In order of their names.',
          },
        },
        ['models'],
      ),
    ),
    ...errors('500'),
  },
}

const registerModel: OperationDocument = {
  description: 'Registers an archive as a model.',
  operationId: 'registerModel',
  parameters: [
    {
      ...inQuery('url', { type: 'string', description: 'Archive: its name in the model store, or its URL.' }),
      required: true,
    },
    inQuery('model_name', { type: 'string', description: 'Name, instead of the one in the archive.' }),
    inQuery('handler', { type: 'string', description: 'Handler, instead of the one in the archive.' }),
    inQuery('runtime', {
      type: 'string',
      // The original lists names in capitals here, which it refuses.
      enum: ['python', 'python3', 'LSP'],
      description: 'Runtime, instead of the one in the archive.',
    }),
    number('batch_size', { preset: '1', description: 'Most jobs that a worker takes at once.' }),
    number('max_batch_delay', {
      preset: '100',
      description: 'Longest wait for companions, in milliseconds.',
    }),
    number('response_timeout', { preset: '2', description: 'Longest time for an answer, in seconds.' }),
    number('startup_timeout', { preset: '120', description: 'Longest time for loading, in seconds.' }),
    number('initial_workers', { preset: '0', description: 'Workers to start with.' }),
    synchronous,
    flag('s3_sse_kms', 'The archive lies in S3, encrypted by KMS.'),
  ],
  responses: { ...statuses('200', '202', '210'), ...errors('400', '404', '409', '500') },
}

const worker = object(
  {
    id: string('Its number.'),
    startTime: string('When its slot was made.'),
    gpu: { type: 'boolean', description: 'Whether it runs on a GPU.' },
    status: {
      type: 'string',
      enum: ['READY', 'LOADING', 'UNLOADING'],
      description: 'Whether it can take jobs.',
    },
  },
  ['id', 'startTime', 'status'],
)

const description = object(
  {
    modelName: string('Name of the model.'),
    modelVersion: string('Version of the model.'),
    modelUrl: string('Its archive.'),
    minWorkers: integer('Fewest workers.'),
    maxWorkers: integer('Most workers.'),
    batchSize: integer('Most jobs that a worker takes at once.'),
    maxBatchDelay: integer('Longest wait for companions, in milliseconds.'),
    status: string('State of the model.'),
    workers: { type: 'array', items: worker, description: 'Its workers.' },
    metrics: object({
      rejectedRequests: integer('Requests that were refused.'),
      waitingQueueSize: integer('Requests that wait.'),
      requests: integer('Requests so far.'),
    }),
    jobQueueStatus: object({
      remainingCapacity: integer('Requests that may yet wait.'),
      pendingRequests: integer('Requests that wait.'),
    }),
  },
  'modelName modelVersion modelUrl minWorkers maxWorkers status workers metrics jobQueueStatus'.split(' '),
)

/** Describe, scale and unregister, of a model or of one version. */
const modelOperations = (prefix: string, path: readonly Parameter[]): Record<string, OperationDocument> => ({
  get: {
    description: 'Describes the model and its workers.',
    operationId: `${prefix}describeModel`,
    parameters: path,
    responses: { 200: json('The model', description), ...errors('404', '500') },
  },
  put: {
    description: 'Changes the number of workers.',
    operationId: `${prefix}setAutoScale`,
    parameters: [
      ...path,
      number('min_worker', { preset: '1', description: 'Fewest workers.' }),
      number('max_worker', { preset: '1', description: 'Most workers.' }),
      number('number_gpu', { preset: '0', description: 'Accepted and not used.' }),
      synchronous,
      number('timeout', { preset: '-1', description: 'Accepted and not used.' }),
    ],
    responses: { ...statuses('200', '202', '210'), ...errors('400', '404', '500') },
  },
  delete: {
    description: 'Unregisters the model.',
    operationId: `${prefix}unregisterModel`,
    parameters: [
      ...path,
      synchronous,
      number('timeout', { preset: '-1', description: 'Accepted and not used.' }),
    ],
    responses: { ...statuses('200', '202'), ...errors('404', '408', '500') },
  },
})

/** The document's own two places: first and after the paths that are described. */
export const documentPaths = {
  root: { '/': { options: describeApi('apiDescription') } },
  old: { '/api-description': { get: describeApi('api-description', { deprecated: true }) } },
} satisfies Readonly<Record<string, PathsDocument>>

/** Paths of the inference port. */
export const inferencePaths: PathsDocument = {
  '/ping': {
    get: {
      description: 'Whether the server is healthy.',
      operationId: 'ping',
      parameters: [],
      responses: { ...statuses('200'), ...errors('500') },
    },
  },
  '/v1/models/{model_name}:predict': { post: predictWith('predictions', [model]) },
  '/v2/models/{model_name}/infer': { post: predictWith('predictions', [model]) },
  '/predictions/{model_name}': { post: predictWith('predictions', [model]) },
  '/predictions/{model_name}/{model_version}': { post: predictWith('version_predictions', [model, version]) },
}

/** Paths of the management port that name a model. */
export const modelPaths: PathsDocument = {
  '/models/{model_name}': modelOperations('', [model]),
  '/models/{model_name}/{model_version}': modelOperations('version_', [model, version]),
  '/models/{model_name}/{model_version}/set-default': {
    put: {
      description: 'Makes the version the default.',
      operationId: 'setDefault',
      parameters: [model, version],
      responses: { ...statuses('200'), ...errors('404', '500') },
    },
  },
}

/** Paths of the management port. */
export const managementPaths: PathsDocument = {
  '/models': { get: listModels, post: registerModel },
  ...modelPaths,
}

/** Paths of the metrics port. */
export const metricsPaths: PathsDocument = {
  '/metrics': {
    get: {
      description: 'The metrics, for Prometheus.',
      operationId: 'metrics',
      parameters: [
        inQuery('name[]', { type: 'string', description: 'Names of the samples that are wanted.' }),
      ],
      responses: {
        200: {
          description: 'Samples as text',
          content: {
            'text/plain; version=0.0.4; charset=utf-8': {
              schema: object({ '# HELP': string(), '# TYPE': string(), metric: string() }),
            },
          },
        },
        ...errors('500'),
      },
    },
  },
}

/** Paths of one model: asking it, whatever its handler takes and gives. */
export function pathsOfModel(name: string): PathsDocument {
  const ask: OperationDocument = {
    operationId: name,
    parameters: [],
    responses: { 200: { description: 'Whatever the handler gives' }, ...errors('500') },
  }
  const paths = [`/prediction/${name}`, '/v1/models/{model_name}:predict', '/v2/models/{model_name}/infer']
  return Object.fromEntries(paths.map((path) => [path, { post: ask }]))
}
