/** The API's description: what the original's documents say to a code generator, and a 3.1 document of the models. */
import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryHttp } from '../../test/support/memory-http.js'
import { memoryServing, type MemoryServing } from '../../test/support/memory-serving.js'
import type { ModelSchema } from '../archive/manifest.js'

interface Recorded {
  readonly title: string
  readonly response: { readonly statusLine: string; readonly body: string }
}
// Made by `npm run record:rest`; texts are free and not in it.
const recorded = ['documents', 'one-port-document'].flatMap((name) => {
  const file = new URL(`../../test/compat/rest/recorded/${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as Recorded[]).map((each) => ({ ...each, name }))
})
const documentOf = (title: string, name = 'documents'): string =>
  recorded.find((each) => each.title === title && each.name === name)?.response.body ?? ''

/** As the recorder stores a document, with the two things in which ours differs on purpose. */
function comparable(body: string): string {
  const drop = (key: string, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value
  return `${JSON.stringify(JSON.parse(body, drop), null, 2)}\n`
    .replace('"version": "0.1.0"', '"version": "0.12.0"')
    .replace(/"python",(\s*)"python3",/, '"PYTHON",$1"PYTHON3",')
}

let serving: MemoryServing
beforeEach(() => {
  serving = memoryServing()
  serving.add('probe', '1.0')
})

describe('the original’s document', () => {
  test.each([
    ['inference', 'OPTIONS /'],
    ['inference', 'GET /api-description'],
    ['management', 'OPTIONS /'],
    ['management', 'POST /api-description'],
    ['metrics', 'OPTIONS /'],
    ['metrics', 'GET /api-description'],
    ['inference', 'OPTIONS /predictions/probe'],
    ['inference', 'OPTIONS /predictions/probe/1.0'],
    ['inference', 'OPTIONS /explanations/probe'],
    ['management', 'OPTIONS /models/probe'],
    ['management', 'OPTIONS /models/probe/1.0'],
  ] as const)('%s: %s', async (role, request) => {
    const reply = await memoryHttp(serving).send(role, request)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(comparable(reply.text)).toBe(documentOf(`${role}: ${request}`))
  })

  test('on a port with two roles', async () => {
    const reply = await memoryHttp(serving).send(['inference', 'management'], 'OPTIONS /')
    expect(comparable(reply.text)).toBe(documentOf('inference: OPTIONS /', 'one-port-document'))
  })

  test.each([
    ['inference', 'OPTIONS /predictions/none'],
    ['management', 'OPTIONS /models/none'],
    ['inference', 'GET /api-description/more'],
  ] as const)('%s: %s is 404', async (role, request) => {
    const reply = await memoryHttp(serving, { profile: 'torchserve', page: false }).send(role, request)
    expect(reply.status).toBe(404)
    expect(reply.text).toBe(documentOf(`${role}: ${request}`))
  })
})

describe('the document of the models', () => {
  const schema: ModelSchema = {
    description: 'Says which digit a picture shows.',
    inputs: [
      { name: 'data', kind: 'image', contentTypes: ['image/png', 'image/jpeg'], description: 'A picture.' },
    ],
    outputs: [{ name: 'pred', type: 'integer', description: 'The digit.' }],
    operations: ['predict', 'explain'],
  }
  const ask = async () => (await memoryHttp(serving).send('inference', 'GET /openapi.json')).json

  test('has a path for the default version and one for each version', async () => {
    serving.add('probe', '2.0')
    expect(await ask()).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/predictions/probe': {
          post: { requestBody: { content: { '*/*': {} } }, responses: { 200: {}, 404: {}, 503: {} } },
        },
        '/predictions/probe/1.0': { post: { operationId: 'predictions_probe_1.0' } },
        '/predictions/probe/2.0': { post: { operationId: 'predictions_probe_2.0' } },
      },
    })
  })

  test('carries the schema of an archive that has one', async () => {
    serving.add('digits', '1.0', { schema })
    expect(await ask()).toMatchObject({
      paths: {
        '/predictions/digits': {
          post: {
            summary: 'digits 1.0: Says which digit a picture shows.',
            requestBody: {
              content: {
                'image/png': { schema: { description: 'A picture.' } },
                'image/jpeg': {},
                'multipart/form-data': { schema: { properties: { data: {} } } },
              },
            },
            responses: {
              200: {
                content: {
                  'application/json': { schema: { properties: { pred: { type: 'integer' } } } },
                },
              },
            },
          },
        },
        '/explanations/digits': { post: {} },
      },
    })
  })

  test('has the probes, of which those of a model know 404', async () => {
    const { paths } = (await ask()) as { paths: Record<string, { get?: { responses: object } }> }
    const probes = Object.entries(paths).flatMap(([path, { get }]) =>
      get ? [[path, Object.keys(get.responses).join(' ')]] : [],
    )
    expect(probes).toEqual([
      ['/live', '200 503'],
      ['/startup', '200 503'],
      ['/ready', '200 503'],
      ['/ready/{model_name}', '200 404 503'],
      ['/ready/{model_name}/{model_version}', '200 404 503'],
    ])
  })

  test('takes GET and HEAD only', async () => {
    expect((await memoryHttp(serving).send('inference', 'POST /openapi.json')).status).toBe(405)
  })
})
