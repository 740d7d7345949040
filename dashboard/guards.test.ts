import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PageModels } from '../src/http/page-types.js'
import { messageOfError, parseModels } from './guards.js'

const models: PageModels = {
  server: '0.1.0',
  models: [
    {
      name: 'm',
      defaultVersion: '1.0',
      versions: [
        {
          version: '1.0',
          ready: false,
          runtime: 'node',
          workers: { ready: 0, wanted: 2 },
          failure: 'Error: no model.onnx',
          predictUrl: '/predictions/m/1.0',
          explainUrl: '/explanations/m/1.0',
          schema: {
            description: 'd',
            inputs: [
              {
                name: 'data',
                kind: 'image',
                contentTypes: ['image/png'],
                draw: { width: 28, height: 28, ground: 'light' },
              },
              { name: 'note', kind: 'text', contentTypes: [], description: 'n' },
            ],
            outputs: [{ name: 'pred', type: 'integer', role: 'answer', description: 'p' }],
            operations: ['predict', 'explain'],
          },
          examples: [{ name: 'a', contentType: 'image/png', url: '/page/models/m/1.0/examples/a.png' }],
        },
      ],
    },
  ],
}

describe('the list of models', () => {
  it('is taken as it is when every field has its type', () => expect(parseModels(models)).toEqual(models))

  it('leaves out what it does not know', () => {
    expect(parseModels({ ...models, colour: 'red' })).toEqual(models)
  })

  it.each([
    [{ server: 1, models: [] }, 'server is not a text'],
    [{ server: '1', models: {} }, 'models is not a list'],
    [{ server: '1', models: [1] }, 'model is not an object'],
    [[], 'models is not an object'],
  ])('says which field is wrong: %j', (value, message) => {
    expect(() => parseModels(value)).toThrow(message)
  })

  it('throws nothing but words, whatever arrives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parseModels(value)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          expect(error).not.toBeInstanceOf(TypeError)
        }
      }),
    )
  })
})

it.each([
  [{ code: 400, type: 'BadRequestException', message: 'no image' }, 'no image'],
  [{ code: 400 }, undefined],
  [null, undefined],
])('an error answer %j says %j', (value, message) => {
  expect(messageOfError(value)).toBe(message)
})
