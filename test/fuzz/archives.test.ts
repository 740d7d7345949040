/**
 * Archives cut and changed at random: whatever they hold, opening, inspecting, verifying and unpacking them either works or
 * is refused as `invalid-archive`; nothing is left, and nothing crashes. `npm run fuzz`.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspect, openArchive, pack, verify } from '../../src/archive/index.js'
import { parseFileHashes } from '../../src/archive/file-hashes.js'
import { parseModelConfig } from '../../src/archive/model-config.js'
import { parseManifest } from '../../src/archive/parse-manifest.js'
import { parseExamples, parseProvenance, parseSchema } from '../../src/archive/parse-schema.js'
import { parseRequirements } from '../../src/archive/requirements.js'
import { MarinaError } from '../../src/errors.js'

const fixtures = new URL('../fixtures/archive/original/', import.meta.url).pathname
const RUNS = 300

let folder = ''
const good = new Map<string, Buffer>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-fuzz-'))
  const own = { modelName: 'm', version: '1', handler: 'image_classifier', exportPath: folder }
  const members = [
    { name: 'model.onnx', data: 'x'.repeat(200) },
    { name: 'deep/labels.txt', data: 'zero one two '.repeat(30) },
  ]
  for (const archiveFormat of ['default', 'zip-store', 'tgz'] as const) {
    const marina = { provenance: { metrics: { accuracy: 1 } } }
    const { file } = await pack({ ...own, archiveFormat, members, marina, force: true })
    good.set(`marina ${archiveFormat}`, await readFile(file))
    await rm(file)
  }
  for (const name of await readdir(fixtures)) good.set(name, await readFile(join(fixtures, name)))
})
afterAll(() => rm(folder, { recursive: true }))

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  how: fc.constantFrom('replace', 'flip', 'cut', 'insert', 'remove'),
})
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

function edited(original: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce<Buffer>((data, { at: part, bytes, how }) => {
    const at = Math.floor(part * data.length)
    const [before, after] = [data.subarray(0, at), data.subarray(at)]
    switch (how) {
      case 'replace':
        return Buffer.concat([before, bytes, after.subarray(bytes.length)])
      case 'flip':
        return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (bytes[0] ?? 1)]), after.subarray(1)])
      case 'cut':
        return before
      case 'insert':
        return Buffer.concat([before, bytes, after])
      case 'remove':
        return Buffer.concat([before, after.subarray(bytes.length)])
      default:
        return how satisfies never
    }
  }, original)
}

async function refusedOrDone(work: () => Promise<unknown>): Promise<void> {
  const failure = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure !== undefined) expect(failure).toMatchObject({ name: 'MarinaError', code: 'invalid-archive' })
}

describe('an archive, cut and changed,', () => {
  it('is refused or read, by every reader, and leaves nothing', async () => {
    const [file, target] = [join(folder, 'changed.mar'), join(folder, 'target')]
    for (const original of good.values())
      await fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
          await writeFile(file, edited(original, edits))
          await refusedOrDone(() => verify(file))
          await refusedOrDone(() => inspect(file))
          await refusedOrDone(async () => {
            const archive = await openArchive(file)
            await archive.extractTo(target).finally(() => archive.close())
          })
          await rm(target, { recursive: true, force: true })
          expect(await readdir(folder)).toEqual(['changed.mar'])
        }),
        { numRuns: RUNS },
      )
  })
})

const parsers: [string, (text: string) => unknown][] = [
  ['the manifest', parseManifest],
  ['schema.json', parseSchema],
  ['examples.json', parseExamples],
  ['provenance.json', parseProvenance],
  ['files.json', parseFileHashes],
  ['model-config.yaml', (text) => parseModelConfig(text, 'c.yaml')],
]
const keys = fc.constantFrom(
  ...'model runtime modelName handler requests inputs outputs files algorithm data __proto__ constructor'.split(
    ' ',
  ),
)
const json = fc.jsonValue({ maxDepth: 6 })
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.dictionary(keys, json).map((value) => JSON.stringify(value)),
  fc.nat(5000).map((depth) => '['.repeat(depth)),
)

describe('any text', () => {
  it.each(parsers)('as %s is taken or refused, and changes no prototype', async (_, parse) => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        try {
          await parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(MarinaError)
          expect(error).toMatchObject({ code: 'invalid-archive' })
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('as requirements is read without failing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseRequirements(text).length >= 0))
  })
})
