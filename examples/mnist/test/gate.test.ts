/** The gate: which clause fails by how much, and what a new version is compared with. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deployArchive } from 'marina/deploy'
import { pack } from 'marina/archive'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { servingAccuracy } from '../serving.js'
import gate, { judge } from '../steps/gate.js'
import { startTestServer, type TestServer } from './test-server.js'
import { createBench, type Bench } from './run-step.js'

const bounds = { accuracy: 0.98, classRecall: 0.95, regression: 0.002 }
const analysisOf = (accuracy: number, recall = 1) => ({
  accuracy,
  classes: [
    { label: '4', count: 10, precision: 1, recall: 1 },
    { label: '9', count: 10, precision: 1, recall },
  ],
})
const failing = (...args: Parameters<typeof judge>) =>
  judge(...args)
    .filter(({ ok }) => !ok)
    .map(({ clause, value, bound }) => `${clause} is ${value}, but must be ${bound}`)

describe('each clause', () => {
  test.each([
    ['all hold', analysisOf(0.99), undefined, []],
    ['accuracy', analysisOf(0.9799), undefined, ['accuracy is 97.99 %, but must be at least 98.00 %']],
    [
      'the worst class',
      analysisOf(0.99, 0.94),
      undefined,
      ['recall of class 9, the lowest is 94.00 %, but must be at least 95.00 %'],
    ],
    [
      'the version now serving',
      analysisOf(0.99),
      { version: '3.0', accuracy: 0.9921 },
      ['accuracy against version 3.0, now serving is 99.00 %, but must be at least 99.01 %'],
    ],
    ['within what is no news', analysisOf(0.99), { version: '3.0', accuracy: 0.9919 }, []],
    ['a version of unknown accuracy', analysisOf(0.99), { version: '3.0', accuracy: undefined }, []],
  ])('%s', (_, analysis, serving, expected) => {
    expect(failing(analysis, bounds, serving)).toEqual(expected)
  })
})

describe('over a store and a server', () => {
  let bench: Bench
  let server: TestServer
  const nobody = 'http://127.0.0.1:9'
  beforeAll(async () => {
    bench = await createBench()
    server = await startTestServer(join(bench.folder, 'state'))
    await mkdir(join(bench.folder, 'store'))
    await mkdir(join(bench.folder, 'empty'))
    const handler = join(bench.folder, 'handler.js')
    await writeFile(handler, `export default { postprocess: (jobs) => jobs.map(() => ({})) }`)
    for (const [version, accuracy] of [
      ['2.0', 0.991],
      ['10.0', 0.993],
    ] as const)
      await pack({
        modelName: 'embedding',
        version,
        fileName: `embedding-${version}`,
        handler,
        exportPath: join(bench.folder, 'store'),
        marina: { provenance: { metrics: { accuracy } } },
      })
  })
  afterAll(async () => {
    await server.stop()
    await bench.remove()
  })
  const ask = (store: string, management: string) =>
    servingAccuracy({ store: join(bench.folder, store), management, model: 'embedding' })

  test('neither has a version: there is nothing to compare with', async () => {
    expect(await ask('empty', nobody)).toBeUndefined()
  })

  test('without a server, the newest in the store', async () => {
    expect(await ask('store', nobody)).toEqual({ version: '10.0', accuracy: 0.993 })
  })

  test('with a server, its default version, wherever its archive is', async () => {
    const archive = join(bench.folder, 'store/embedding-2.0.mar')
    await deployArchive({ archive, management: server.management, inference: server.inference })
    expect(await ask('empty', server.management)).toEqual({ version: '2.0', accuracy: 0.991 })
  })

  test('a clause that fails stops the run with all that failed', async () => {
    const analysis = join(bench.folder, 'analysis.json')
    await writeFile(analysis, JSON.stringify(analysisOf(0.97, 0.9)))
    const params = { management: nobody, store: join(bench.folder, 'store') }
    await expect(bench.run(gate, { inputs: { analysis }, params })).rejects.toMatchObject({
      code: 'gate-failed',
      message: expect.stringMatching(
        /^The gate keeps this version back: accuracy is 97\.00 %.*; recall of class 9.*; accuracy against version 10\.0, now serving is 97\.00 %, but must be at least 99\.10 %\.$/,
      ) as string,
    })
  })
})
