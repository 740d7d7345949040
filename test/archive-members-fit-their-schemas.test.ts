/** What `pack` writes into an archive is valid by the JSON Schemas of `docs/schemas/`, and what readers refuse is not. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openArchive, pack, type Archive } from '../src/archive/index.js'
import { parseExamples, parseProvenance, parseSchema } from '../src/archive/parse-schema.js'

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true })
async function validator(name: string) {
  const file = new URL(`../docs/schemas/${name}.schema.json`, import.meta.url).pathname
  return ajv.compile(JSON.parse(await readFile(file, 'utf8')) as object)
}

let folder = ''
let archive: Archive
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-schemas-'))
  const { file } = await pack({
    modelName: 'm',
    version: '1.0',
    handler: 'image_classifier',
    members: [{ name: 'weights.bin', data: 'weights' }],
    exportPath: folder,
    marina: {
      schema: {
        description: 'digits',
        inputs: [
          {
            name: 'body',
            kind: 'image',
            contentTypes: ['image/png'],
            draw: { width: 28, height: 28, ground: 'dark' },
          },
        ],
        outputs: [{ name: 'pred', type: 'integer', role: 'answer', description: 'the digit' }],
        operations: ['predict', 'explain'],
      },
      examples: [
        {
          name: 'seven',
          file: '7.png',
          contentType: 'image/png',
          expect: { pred: 7 },
          tolerance: 0.1,
          from: Buffer.from('png'),
        },
      ],
      provenance: {
        data: { mnist: 'sha256:1' },
        git: { commit: 'abc', dirty: false },
        metrics: { accuracy: 0.99 },
        parameters: { epochs: 2, quick: false },
        command: 'marina archive digits',
        parent: { modelName: 'm', modelVersion: '0.9', sha256: '0'.repeat(64) },
      },
    },
  })
  archive = await openArchive(file)
})
afterAll(async () => {
  await archive.close()
  await rm(folder, { recursive: true })
})

describe('a member that Marina writes', () => {
  it.each([
    ['manifest', 'MAR-INF/MANIFEST.json'],
    ['files', 'MAR-INF/marina/files.json'],
    ['schema', 'MAR-INF/marina/schema.json'],
    ['examples', 'MAR-INF/marina/examples.json'],
    ['provenance', 'MAR-INF/marina/provenance.json'],
  ])('%s fits its schema', async (name, member) => {
    const validate = await validator(name)
    validate(JSON.parse((await archive.read(member)).toString()))
    expect(validate.errors ?? []).toEqual([])
  })

  it.each([
    ['schema', parseSchema, { inputs: [], outputs: [{ name: 'a', type: 'text' }], operations: [] }],
    ['schema', parseSchema, { inputs: [], outputs: [] }],
    ['examples', parseExamples, { requests: [{ name: 'a', file: '../a', contentType: 'text/plain' }] }],
    ['examples', parseExamples, { requests: [{ name: 'a', file: 'a', contentType: 'a', tolerance: -1 }] }],
    ['provenance', parseProvenance, { metrics: { accuracy: 'high' } }],
    ['provenance', parseProvenance, { parent: { modelName: 'm' } }],
  ])('that the reader of %s refuses does not fit its schema', async (name, parse, value) => {
    const validate = await validator(name)
    expect(() => parse(JSON.stringify(value))).toThrow()
    expect(validate(value)).toBe(false)
  })
})
