/** Registration from URLs: the fetched file lives in the model store as long as its version, and no longer. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryWorkers, textOutcome, type Behaviour } from '../../test/support/memory-workers.js'
import { manualClock } from '../clock.js'
import type { Config } from '../config/config.js'
import { defaultConfig } from '../config/load.js'
import { invalidArchive } from '../errors.js'
import { memoryLogger } from '../log.js'
import { noMetrics } from './metrics.js'
import { createServing, type Serving } from './serving.js'

let folder = ''
let modelStore = ''
let url = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-loader-'))
  modelStore = join(folder, 'store')
  url = `file://${folder}/m.mar`
  await mkdir(modelStore)
  await writeFile(join(folder, 'm.mar'), 'archive')
})
afterEach(() => rm(folder, { recursive: true }))

function serving({
  profile = 'torchserve',
  behaviour = 'answers',
  damaged = false,
}: { profile?: Config['profile']; behaviour?: Behaviour; damaged?: boolean } = {}): Serving {
  const workers = memoryWorkers({ behaviour: () => behaviour, answer: () => textOutcome('answer') })
  return createServing({
    config: { ...defaultConfig(profile), profile, modelStore, workersPerModel: 1 },
    factory: workers.factory,
    openGeneration: (path) =>
      damaged
        ? Promise.reject(invalidArchive(`${path} is damaged.`))
        : Promise.resolve({
            dir: folder,
            manifest: {
              runtime: 'node',
              model: { modelName: 'm', modelVersion: '1.0', handler: 'handler.js' },
            },
            schema: undefined,
            examples: undefined,
            close: () => Promise.resolve(),
          }),
    clock: manualClock(),
    log: memoryLogger([]),
    metrics: noMetrics,
    cores: 2,
  })
}

const register = async ({ catalog }: Serving, from = url) => {
  const registered = await catalog.register({ url: from })
  await registered.ready
}
const stored = () => readdir(modelStore)

describe('an archive that was fetched', () => {
  test('is served under its url, and removed with its version', async () => {
    const s = serving()
    await register(s)
    expect(s.catalog.list()).toMatchObject([{ modelName: 'm', modelUrl: url }])
    expect(await stored()).toEqual(['m.mar'])
    await s.catalog.unregister('m', undefined)
    expect(await stored()).toEqual([])
    await s.catalog.close()
  })

  test('stays in the model store when the server ends', async () => {
    const s = serving()
    await register(s)
    await s.catalog.close()
    expect(await stored()).toEqual(['m.mar'])
  })

  test.each<[string, Parameters<typeof serving>[0]]>([
    ['it cannot be opened', { damaged: true }],
    ['its first worker fails', { behaviour: 'fails' }],
  ])('is removed when %s', async (_, options) => {
    const s = serving(options)
    await expect(register(s)).rejects.toThrow()
    await expect.poll(stored).toEqual([])
    await s.catalog.close()
  })

  test('under a second name is removed when its version is there already', async () => {
    const s = serving()
    await register(s)
    await writeFile(join(folder, 'again.mar'), 'archive')
    await expect(register(s, `file://${folder}/again.mar`)).rejects.toMatchObject({ code: 'conflict' })
    expect(await stored()).toEqual(['m.mar'])
    await s.catalog.close()
  })
})

test('a server that ends waits for no download, and leaves nothing of it', async () => {
  let askedFor: () => void = () => undefined
  const asked = new Promise<void>((resolve) => (askedFor = resolve))
  const remote = createServer((_, response) => response.write('half', askedFor))
  await once(remote.listen(0, '127.0.0.1'), 'listening')
  const { port } = remote.address() as AddressInfo
  const s = serving()
  const refused = expect(register(s, `http://127.0.0.1:${port}/m.mar`)).rejects.toMatchObject({
    code: 'download-failed',
  })
  await asked
  await s.catalog.close()
  expect(await stored()).toEqual([])
  await refused
  remote.close()
})

test('an archive that lay in the model store is never removed', async () => {
  await writeFile(join(modelStore, 'm.mar'), 'archive')
  const s = serving()
  await expect(register(s)).rejects.toMatchObject({ code: 'model-file-exists' })
  await register(s, 'm.mar')
  await s.catalog.unregister('m', undefined)
  expect(await stored()).toEqual(['m.mar'])
  await s.catalog.close()
})

test('under marina no URL is allowed until the configuration names some', async () => {
  const s = serving({ profile: 'marina' })
  await expect(register(s)).rejects.toMatchObject({
    code: 'model-not-found',
    message: `Given URL ${url} does not match any allowed URL(s)`,
  })
  expect(await stored()).toEqual([])
  await s.catalog.close()
})

test.each(['http://127.0.0.1:1/%2e%2e/m.mar', 'http://127.0.0.1:1/./m.mar', 'http://127.0.0.1:1/x%2Fm.mar'])(
  '%s is a relative path',
  async (climbing) => {
    const s = serving()
    await expect(register(s, climbing)).rejects.toMatchObject({
      code: 'model-not-found',
      message: `Relative path is not allowed in url: ${climbing}`,
    })
    await s.catalog.close()
  },
)
