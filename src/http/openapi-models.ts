/** An OpenAPI 3.1 document of the models that are registered, each with the schema that its archive carries, and of the probes. */
import type { InputSchema, ModelSchema, OutputSchema } from '../archive/manifest.js'
import type { Catalog, VersionDescription } from '../serving/catalog.js'
import { probePaths } from './openapi-probes.js'

type Json = Readonly<Record<string, unknown>>

/** Makes the document: one path for each model's default version, one for each version, and the probes. */
export function modelsDocument(catalog: Catalog, serverVersion: string): Json {
  const paths = catalog.list().flatMap(({ modelName, defaultVersion }) =>
    catalog.describe(modelName, 'all').flatMap((version) => {
      const path = `/predictions/${encodeURIComponent(modelName)}`
      const own = operations(`${path}/${encodeURIComponent(version.modelVersion)}`, version)
      return version.modelVersion === defaultVersion ? [...operations(path, version), ...own] : own
    }),
  )
  return {
    openapi: '3.1.0',
    info: { title: 'Models', version: serverVersion },
    paths: { ...Object.fromEntries(paths), ...probePaths },
    components: { schemas: { Error: errorSchema } },
  }
}

const errorSchema: Json = {
  type: 'object',
  required: ['code', 'type', 'message'],
  properties: { code: { type: 'integer' }, type: { type: 'string' }, message: { type: 'string' } },
}

const errorResponse = (description: string): Json => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})

/** The path of a version's predictions, and the one of its explanations where its handler has some. */
function operations(path: string, version: VersionDescription): (readonly [string, Json])[] {
  const { schema } = version
  const explains = schema?.operations.includes('explain') === true
  const explanations = path.replace('/predictions/', '/explanations/')
  return [
    [path, { post: operation(path, version) }],
    ...(explains ? [[explanations, { post: operation(explanations, version) }] as const] : []),
  ]
}

function operation(path: string, { modelName, modelVersion, schema }: VersionDescription): Json {
  const predicts = path.startsWith('/predictions/')
  return {
    operationId: path.slice(1).replaceAll('/', '_'),
    summary: `${modelName} ${modelVersion}${schema?.description === undefined ? '' : `: ${schema.description}`}`,
    requestBody: { required: true, content: requestContent(schema) },
    responses: {
      200: {
        description: 'The answer of the handler.',
        content: answerContent(predicts ? schema : undefined),
      },
      400: errorResponse('The handler cannot read the request.'),
      404: errorResponse('The model or version is not there.'),
      503: errorResponse('No worker can take the request.'),
    },
  }
}

const anything: Json = { '*/*': {} }

function requestContent(schema: ModelSchema | undefined): Json {
  if (schema === undefined || schema.inputs.length === 0) return anything
  const whole = schema.inputs.flatMap((input) =>
    input.contentTypes.map((type) => [type, { schema: inputSchema(input) }] as const),
  )
  const properties = Object.fromEntries(schema.inputs.map((input) => [input.name, inputSchema(input)]))
  return {
    ...Object.fromEntries(whole),
    'multipart/form-data': { schema: { type: 'object', properties } },
  }
}

/** In 3.1 bytes have no type: they are whatever their media type says. */
function inputSchema({ kind, description }: InputSchema): Json {
  const text = description === undefined ? {} : { description }
  return kind === 'text' ? { type: 'string', ...text } : text
}

function answerContent(schema: ModelSchema | undefined): Json {
  if (schema === undefined || schema.outputs.length === 0) return anything
  const properties = Object.fromEntries(schema.outputs.map((output) => [output.name, outputSchema(output)]))
  return { 'application/json': { schema: { type: 'object', properties } } }
}

const outputSchema = ({ type, description }: OutputSchema): Json => ({
  type,
  ...(description === undefined ? {} : { description }),
})
