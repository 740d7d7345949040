/** faiss reads what Marina writes and finds the same neighbours; Marina reads what faiss writes there and then. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { buildIndex, openIndex, saveIndex } from '../../src/vector/index.js'
import type { Metric } from '../../src/vector/index.js'

/** Debian's interpreter, whose torch and faiss this group of tests is for. */
const PYTHON = '/usr/bin/python3'
const [count, dimension, k] = [3000, 33, 7]
const folder = mkdtempSync(join(tmpdir(), 'marina-faiss-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Repeatable numbers, evenly spread over -1…1. */
function spread(length: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

const vectors = spread(count * dimension, 1)
const queries = spread(20 * dimension, 2)
const ids = BigInt64Array.from({ length: count }, (_, row) => BigInt(row) * 3n + 1_000_000_000_000n)
writeFileSync(join(folder, 'vectors.f32'), vectors)
writeFileSync(join(folder, 'queries.f32'), queries)
writeFileSync(join(folder, 'ids.i64'), ids)

const prelude = `
import faiss, json, numpy as np
load = lambda name, kind: np.fromfile(name, dtype=kind)
queries = load('queries.f32', 'float32').reshape(-1, ${dimension})
def answer(index):
    distances, ids = index.search(queries, ${k})
    print(json.dumps(dict(mapped=isinstance(index, faiss.IndexIDMap), metric=index.metric_type, ntotal=index.ntotal, ids=ids.tolist(), distances=distances.tolist())))
`

interface Answer {
  mapped: boolean
  /** faiss's number: 0 inner product, 1 L2. */
  metric: number
  ntotal: number
  ids: number[][]
  distances: number[][]
}

const faiss = (script: string) =>
  JSON.parse(execFileSync(PYTHON, ['-c', prelude + script], { cwd: folder, encoding: 'utf8' })) as Answer

async function expectSame(file: string, answer: Answer): Promise<void> {
  const index = await openIndex(file)
  const found = await index.search(queries, k)
  expect(found.map((row) => row.map(({ id }) => Number(id)))).toEqual(answer.ids)
  found.forEach((row, i) =>
    row.forEach(({ dist }, j) => expect(dist).toBeCloseTo(answer.distances[i]![j]!, 3)),
  )
  await index.close()
}

describe.each<[Metric, boolean]>([
  ['l2', false],
  ['ip', false],
  ['l2', true],
  ['ip', true],
])('an index of metric %s, with ids: %s', (metric, mapped) => {
  test('that Marina writes is read by faiss, which finds the same neighbours', async () => {
    const file = join(folder, `marina-${metric}-${String(mapped)}.faiss`)
    const index = await buildIndex({ metric, dimension, vectors, ids: mapped ? ids : undefined })
    await saveIndex(index, file)
    await index.close()
    const answer = faiss(`answer(faiss.read_index(${JSON.stringify(file)}))`)
    expect(answer).toMatchObject({ mapped, metric: metric === 'l2' ? 1 : 0, ntotal: count })
    await expectSame(file, answer)
  })

  test.each(mapped ? ['IndexIDMap', 'IndexIDMap2'] : [''])(
    'that faiss writes (%s) is read by Marina, which finds the same neighbours',
    async (wrap) => {
      const file = join(folder, `faiss-${metric}-${wrap}.faiss`)
      const flat = metric === 'l2' ? 'IndexFlatL2' : 'IndexFlatIP'
      const answer = faiss(`
index = faiss.${flat}(${dimension})
vectors = load('vectors.f32', 'float32').reshape(-1, ${dimension})
${wrap ? `index = faiss.${wrap}(index); index.add_with_ids(vectors, load('ids.i64', 'int64'))` : 'index.add(vectors)'}
faiss.write_index(index, ${JSON.stringify(file)})
answer(index)`)
      await expectSame(file, answer)
    },
  )
})
