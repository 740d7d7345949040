/** The life of an index around its search: built, saved, opened, refused. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MarinaError } from '../errors.js'
import type { IndexInput } from './contents.js'
import { buildIndex, openIndex, saveIndex, type OpenOptions } from './store.js'

const fixtures = fileURLToPath(new URL('../../test/fixtures/vector/', import.meta.url))
const mine = '0a'.repeat(32)
const other = '0b'.repeat(32)
let folder = ''
let file = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'marina-vector-'))
  file = join(folder, 'index.faiss')
})
afterEach(() => rmSync(folder, { recursive: true }))

const three: IndexInput = {
  metric: 'l2',
  dimension: 2,
  vectors: Float32Array.of(0, 0, 1, 1, 5, 5),
  labels: ['seven', 'ß"\n', 'seven'],
  ids: BigInt64Array.of(3n, 1n, 2n),
  modelHash: mine.toUpperCase(),
}

async function save(input: IndexInput = three): Promise<void> {
  const index = await buildIndex(input, { threads: 1 })
  await saveIndex(index, file)
  await index.close()
}

async function opened(options: OpenOptions = {}) {
  const index = await openIndex(file, { threads: 1, ...options })
  await index.close()
  return index
}

const refusal = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message) as string,
})

describe('a saved index', () => {
  test('answers as before when it is opened', async () => {
    await save()
    const index = await openIndex(file, { modelHash: mine, threads: 1 })
    expect(await index.search(Float32Array.of(1, 0), 2)).toEqual([
      [
        { row: 0, id: 3n, label: 'seven', dist: 1 },
        { row: 1, id: 1n, label: 'ß"\n', dist: 1 },
      ],
    ])
    expect(index.info.modelHash).toBe(mine)
    await index.close()
  })

  test('keeps labels and ids of any number', async () => {
    const rows = fc.array(fc.tuple(fc.string(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })), {
      maxLength: 300,
    })
    await fc.assert(
      fc.asyncProperty(rows, async (all) => {
        const unique = [...new Map(all.map(([label, id]) => [id, label]))]
        const ids = BigInt64Array.from(unique, ([id]) => id)
        const labels = unique.map(([, label]) => label)
        await save({ metric: 'ip', dimension: 1, vectors: new Float32Array(ids.length), ids, labels })
        const { contents } = await opened()
        expect(contents.ids).toEqual(ids)
        expect(Array.from(contents.labels?.codes ?? [], (code) => contents.labels?.dictionary[code])).toEqual(
          labels,
        )
      }),
      { numRuns: 30 },
    )
  })

  test('keeps more labels than a byte can tell apart', async () => {
    const labels = Array.from({ length: 70_000 }, (_, row) => `label ${row}`)
    await save({ metric: 'l2', dimension: 1, vectors: Float32Array.from(labels.keys()), labels })
    const index = await openIndex(file, { threads: 1 })
    expect((await index.search(Float32Array.of(69_999), 1))[0]?.[0]?.label).toBe('label 69999')
    await index.close()
  })

  test('of another embedding model is refused, naming both', async () => {
    await save()
    const refused = refusal('wrong-model', new RegExp(`${mine}.*${other}.*embed and index the data again`))
    await expect(openIndex(file, { modelHash: other })).rejects.toMatchObject(refused)
  })

  test('that names no model is refused where one is asked for', async () => {
    await save({ ...three, modelHash: undefined })
    const refused = refusal('wrong-model', /does not say which embedding model/)
    await expect(openIndex(file, { modelHash: other })).rejects.toMatchObject(refused)
  })

  test('replaces the one before, and leaves nothing beside it', async () => {
    await save()
    await save({ metric: 'ip', dimension: 1, vectors: Float32Array.of(1) })
    expect((await opened()).info).toMatchObject({ metric: 'ip', count: 1, modelHash: undefined })
    expect(readdirSync(folder).sort()).toEqual(['index.faiss', 'index.faiss.json'])
  })

  test('that cannot be written is an error that names the file, and leaves nothing', async () => {
    const index = await buildIndex(three)
    const nowhere = join(folder, 'no', 'index.faiss')
    await expect(saveIndex(index, nowhere)).rejects.toMatchObject(
      refusal('invalid-file', /cannot be written/),
    )
    expect(readdirSync(folder)).toEqual([])
    await index.close()
  })

  test.runIf(process.platform === 'linux')('leaves no file open', async () => {
    const openFiles = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
        } catch {
          return false
        }
      })
    await save()
    const index = await openIndex(file)
    await expect(openIndex(join(fixtures, 'other-hnsw.faiss'))).rejects.toBeInstanceOf(MarinaError)
    expect(openFiles()).toEqual([])
    await index.close()
  })
})

describe('an index file', () => {
  test('without a sidecar opens as faiss wrote it', async () => {
    const index = await openIndex(join(fixtures, 'idmap-l2.faiss'), { threads: 1 })
    const want = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
      queries: number[]
      k: number
      files: Record<string, { ids: number[][]; distances: number[][] }>
    }
    const found = await index.search(Float32Array.from(want.queries), want.k)
    const { ids = [], distances = [] } = want.files['idmap-l2.faiss'] ?? {}
    expect(found.map((row) => row.map(({ id }) => Number(id)))).toEqual(ids)
    found.forEach((row, i) =>
      row.forEach(({ dist }, j) => expect(dist).toBeCloseTo(distances[i]?.[j] ?? NaN, 4)),
    )
    expect(index.info.modelHash).toBeUndefined()
    await index.close()
  })

  test('of no vectors opens, and says that there is nothing to search', async () => {
    const index = await openIndex(join(fixtures, 'empty-l2.faiss'))
    expect(index.info.count).toBe(0)
    const searched = index.search(new Float32Array(6), 1)
    await expect(searched).rejects.toMatchObject(refusal('invalid-shape', /holds no vectors/))
    await index.close()
  })

  test('that was changed after its sidecar was written is refused', async () => {
    await save()
    const bytes = readFileSync(file)
    bytes.writeFloatLE(0.25, 82)
    writeFileSync(file, bytes)
    await expect(opened()).rejects.toMatchObject(refusal('invalid-file', /SHA-256.*delete .*json/))
  })

  test('that was replaced by one of another shape is refused', async () => {
    await save()
    writeFileSync(file, readFileSync(join(fixtures, 'flat-l2.faiss')))
    await expect(opened()).rejects.toMatchObject(refusal('invalid-file', /count 40, its sidecar says 3/))
  })

  test('with a vector that is not finite is refused, naming file and row', async () => {
    const bytes = readFileSync(join(fixtures, 'flat-l2.faiss'))
    bytes.writeFloatLE(NaN, 45 + 4 * (6 * 2 + 1))
    writeFileSync(file, bytes)
    await expect(opened()).rejects.toMatchObject(
      refusal('invalid-file', /index\.faiss: vector 2 holds NaN \(at position 1\)/),
    )
  })
})

describe('a sidecar', () => {
  const damaged = async (change: (json: Record<string, unknown>) => unknown) => {
    await save()
    const json = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Record<string, unknown>
    const changed = change(json) ?? json
    writeFileSync(`${file}.json`, typeof changed === 'string' ? changed : JSON.stringify(changed))
    return expect(opened()).rejects
  }

  test.each<[string, (json: Record<string, unknown>) => unknown, RegExp]>([
    ['is cut short', () => '{"format": "mar', /json: is damaged/],
    ['is no object', () => '[]', /no JSON object/],
    ['is of another kind', () => ({ format: 'x' }), /is no sidecar/],
    ['has no count', (json) => ({ ...json, count: -1 }), /'count' must be/],
    ['has no metric', (json) => ({ ...json, metric: 'cosine' }), /'metric' must be/],
    ['has no hash', (json) => ({ ...json, sha256: 'abc' }), /'sha256' must be/],
    ['has a model hash that is none', (json) => ({ ...json, modelHash: 7 }), /'modelHash' must be/],
    ['has no proper labels', (json) => ({ ...json, labels: ['a', 'b', 'c'] }), /'labels' must be/],
    [
      'has too few labels',
      (json) => ({ ...json, labels: { dictionary: ['a'], width: 1, codes: 'AAA=' } }),
      /2 labels for 3 vectors/,
    ],
    [
      'has a label code without a label',
      (json) => ({ ...json, labels: { dictionary: ['a'], width: 1, codes: 'AAEA' } }),
      /row 1 has label code 1/,
    ],
  ])('that %s is refused by name', async (_, change, message) => {
    await (await damaged(change)).toMatchObject(refusal('invalid-file', message))
  })

  test('that was damaged anywhere is refused or still right, never a crash', async () => {
    await save()
    const whole = readFileSync(`${file}.json`)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const broken = Buffer.from(whole)
        broken[at] = value
        writeFileSync(`${file}.json`, broken)
        const outcome = await opened().catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(MarinaError)
      }),
      { numRuns: 60 },
    )
  })
})
