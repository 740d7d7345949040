/** Manifests of every archiver, read and written (contract archive §2). */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MarinaError } from '../errors.js'
import { createdOnText, encodeManifest } from './encode-manifest.js'
import type { Manifest } from './manifest.js'
import { parseManifest, parseRawManifest } from './parse-manifest.js'
import { parseExamples, parseProvenance, parseSchema } from './parse-schema.js'

const full: Manifest = {
  createdOn: '23/11/2026 03:47:45',
  runtime: 'python',
  model: {
    modelName: 'mnist',
    serializedFile: 'mnist_cnn.pt',
    handler: 'mnist_handler.py',
    modelFile: 'mnist.py',
    modelVersion: '1.0',
    requirementsFile: 'requirements.txt',
    configFile: 'model-config.yaml',
  },
  archiverVersion: '0.12.0',
}

describe('a written manifest', () => {
  it('has the keys in the order of the original, two blanks, no newline at the end', () => {
    expect(encodeManifest(full)).toBe(`{
  "createdOn": "23/11/2026 03:47:45",
  "runtime": "python",
  "model": {
    "modelName": "mnist",
    "serializedFile": "mnist_cnn.pt",
    "handler": "mnist_handler.py",
    "modelFile": "mnist.py",
    "modelVersion": "1.0",
    "requirementsFile": "requirements.txt",
    "configFile": "model-config.yaml"
  },
  "archiverVersion": "0.12.0"
}`)
  })

  it('is what Python writes, whatever the characters', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 })
    const samples = fc.sample(text, 200).concat('\u007f', '😀', '\ud800', '\u2028"\\/\b\f\n\r\t\u0001')
    const python = execFileSync(
      'python3',
      [
        '-c',
        'import sys,json; print(json.dumps([json.dumps({"runtime":"python","model":{"modelVersion":t}},indent=2) for t in json.load(sys.stdin)]))',
      ],
      { input: JSON.stringify(samples), encoding: 'utf8' },
    )
    expect(
      samples.map((modelVersion) => encodeManifest({ runtime: 'python', model: { modelVersion } })),
    ).toEqual(JSON.parse(python))
  })

  it('is read back as it was', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const name = fc.stringMatching(/^[a-zü\u007f]{1,10}$/)
    const model = fc.record({ modelName: name, handler: name, modelVersion: text.filter((t) => t !== '') })
    fc.assert(
      fc.property(model, fc.constantFrom('python', 'python3', 'LSP', 'node'), (fields, runtime) => {
        const manifest: Manifest = { runtime, model: fields }
        expect(parseManifest(encodeManifest(manifest))).toEqual(manifest)
      }),
    )
  })

  it('leaves empty options out, but an empty handler in', () => {
    const model = { modelName: 'm', handler: '', serializedFile: '', configFile: '', modelVersion: '1' }
    expect(JSON.parse(encodeManifest({ runtime: 'python', model }))).toEqual({
      runtime: 'python',
      model: { modelName: 'm', handler: '', modelVersion: '1' },
    })
  })

  it('has its time as day, month, year', () => {
    expect(createdOnText(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 999)), true)).toBe('02/01/2026 03:04:05')
    expect(createdOnText(new Date(2026, 6, 9, 23, 0, 1))).toBe('09/07/2026 23:00:01')
  })
})

describe('a manifest that is read', () => {
  it.each<[string, string, Manifest]>([
    [
      'of 0.1, without createdOn and archiverVersion, unknown keys ignored',
      '{"runtime":"python","model":{"modelName":"reviews","serializedFile":"model.pt","handler":"service.py","modelVersion":"2.3","sourceVocab":"v.pt"},"modelServerVersion":"1.0","engine":{"name":"x"},"publisher":{"author":"a"}}',
      {
        runtime: 'python',
        model: {
          modelName: 'reviews',
          serializedFile: 'model.pt',
          handler: 'service.py',
          modelVersion: '2.3',
        },
      },
    ],
    [
      'without a version has 1.0',
      '{"model":{"modelName":"m"}}',
      { runtime: 'python', model: { modelName: 'm', modelVersion: '1.0' } },
    ],
    ['without a model has an empty one', '{}', { runtime: 'python', model: { modelVersion: '1.0' } }],
    [
      'keeps a number as it is written',
      '{"model":{"modelVersion":1.0,"modelName":007e-1}}'.replace('007e-1', '7e-1'),
      { runtime: 'python', model: { modelVersion: '1.0', modelName: '7e-1' } },
    ],
    [
      'takes a boolean as text',
      '{"model":{"modelVersion":true}}',
      { runtime: 'python', model: { modelVersion: 'true' } },
    ],
    [
      'takes null as absent',
      '{"createdOn":null,"model":{"modelVersion":null,"handler":null}}',
      { runtime: 'python', model: { modelVersion: '1.0' } },
    ],
    [
      'leaves digits inside texts alone',
      '{"model":{"modelName":"a\\"1.0\\\\","modelVersion":"2"}}',
      { runtime: 'python', model: { modelName: 'a"1.0\\', modelVersion: '2' } },
    ],
    [
      'does not take keys from __proto__',
      '{"__proto__":{"runtime":"LSP"},"model":{"__proto__":{"modelVersion":"9"},"constructor":1}}',
      { runtime: 'python', model: { modelVersion: '1.0' } },
    ],
  ])('%s', (_, text, expected) => {
    expect(parseManifest(text)).toEqual(expected)
    expect(Object.getPrototypeOf(parseManifest(text))).toBe(Object.prototype)
  })

  it.each([
    ['Failed to parse signature.json.', '{'],
    ['Failed to parse signature.json.', ''],
    ['Failed to parse signature.json.', 'null'],
    ['Failed to parse signature.json.', '[]'],
    ['Failed to parse signature.json.', "{'runtime': 'python'}"],
    ['Failed to parse signature.json.', '{"runtime": "python"} // comment'],
    ['Failed to parse signature.json.', '{"model": "m"}'],
    ['Failed to parse signature.json.', '{"model": {"modelName": ["m"]}}'],
    ['Failed to parse signature.json.', '{"model": {"modelVersion": {}}}'],
    ['Failed to parse signature.json.', `{"x": ${'['.repeat(100)}${']'.repeat(100)}}`],
    ['Failed to parse signature.json.', '['.repeat(1_000_000)],
    ['Missing Model entry in manifest file.', '{"model": null}'],
    ['Runtime is not defined or invalid.', '{"runtime": null}'],
    ['Runtime is not defined or invalid.', '{"runtime": "python2"}'],
    ['Runtime is not defined or invalid.', '{"runtime": 3}'],
  ])('is refused with "%s" (case %#)', (message, text) => {
    const read = () => parseManifest(text)
    expect(read).toThrow(MarinaError)
    expect(read).toThrow(expect.objectContaining({ code: 'invalid-archive', message }))
  })

  it.each(['../x.py', '/etc/x', 'a/../../b', 'C:\\x', '..\\x', '\u0000'])(
    'may not name a file outside the archive: %j',
    (file) => {
      for (const key of ['serializedFile', 'handler', 'modelFile', 'requirementsFile', 'configFile'])
        expect(() => parseManifest(JSON.stringify({ model: { [key]: file } }))).toThrow(
          /must lie inside the archive/,
        )
      expect(parseManifest('{"model":{"handler":"pkg/my..handler.py:fn"}}').model.handler).toBe(
        'pkg/my..handler.py:fn',
      )
    },
  )

  it('is never anything but a manifest or a MarinaError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          expect(parseManifest(text)).toHaveProperty('model.modelVersion')
        } catch (error) {
          expect(error).toBeInstanceOf(MarinaError)
        }
      }),
    )
  })

  it('is also there as it stands, for handlers', () => {
    expect(parseRawManifest('{"model":{"modelVersion":1,"x":[2]},"y":null}')).toEqual({
      model: { modelVersion: 1, x: [2] },
      y: null,
    })
  })
})

describe('a schema', () => {
  const input = {
    name: 'body',
    kind: 'image',
    contentTypes: ['image/png'],
    draw: { width: 28, height: 28, ground: 'dark' },
  }
  const output = { name: 'pred', type: 'integer', role: 'answer', description: 'the digit' }

  it('is read with its fields, unknown ones left out', () => {
    const schema = {
      description: 'd',
      inputs: [input],
      outputs: [output],
      operations: ['predict', 'explain'],
    }
    expect(parseSchema(JSON.stringify({ ...schema, later: 1 }))).toEqual(schema)
  })

  it.each([
    [{ inputs: [{ ...input, kind: 'smell' }] }, 'inputs[0].kind must be one of image, text, json, binary'],
    [
      { inputs: [{ ...input, draw: { width: 0, height: 1, ground: 'dark' } }] },
      'inputs[0].draw.width must be a number of at least 1',
    ],
    [{ inputs: [{ ...input, contentTypes: [1] }] }, 'inputs[0].contentTypes[0] must be a text'],
    [{ inputs: {} }, 'inputs must be a list'],
    [{ outputs: [{ ...output, role: 'boss' }] }, 'outputs[0].role must be one of answer, distance, known'],
    [{ outputs: [null] }, 'outputs[0] must be an object'],
  ])('that does not hold names the field: %j', (wrong, message) => {
    const text = JSON.stringify({ inputs: [], outputs: [], operations: [], ...wrong })
    expect(() => parseSchema(text)).toThrow(`MAR-INF/marina/schema.json: ${message}`)
  })

  it('of examples names files of the example folder only', () => {
    const request = {
      name: 'a',
      file: 'a.png',
      contentType: 'image/png',
      expect: { pred: 7 },
      tolerance: 0.1,
    }
    expect(parseExamples(JSON.stringify({ requests: [request] }))).toEqual({ requests: [request] })
    for (const file of ['../a', 'a/b', '..', '', 'a\\b'])
      expect(() => parseExamples(JSON.stringify({ requests: [{ ...request, file }] }))).toThrow(
        /requests\[0\]\.file must be the plain name/,
      )
  })

  it('of provenance holds plain values', () => {
    expect(() => parseProvenance('{"metrics":{"accuracy":"high"}}')).toThrow(
      'metrics.accuracy must be a plain value',
    )
    expect(() => parseProvenance('{')).toThrow(/MAR-INF\/marina\/provenance\.json: /)
  })
})
