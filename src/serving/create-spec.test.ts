/** Which source wins where an archive, a registration and the settings meet (contract server-config §8, §9). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../config/config.js'
import { defaultConfig } from '../config/load.js'
import { memoryLogger, type LogRecord } from '../log.js'
import type { Registration } from './catalog.js'
import { createSpec, type OpenedGeneration } from './create-spec.js'
import type { GenerationId } from './registry.js'
import { Devices } from './workers/devices.js'

const dir = mkdtempSync(join(tmpdir(), 'marina-spec-'))
afterAll(() => rmSync(dir, { recursive: true }))

interface Given {
  readonly registration?: Partial<Registration>
  readonly model?: Partial<OpenedGeneration['manifest']['model']>
  readonly config?: Partial<Config>
  readonly gpus?: readonly string[]
}

async function specOf({ registration, model = { handler: 'own.py' }, config, gpus = [] }: Given) {
  const records: LogRecord[] = []
  const created = await createSpec(
    { url: 'm.mar', ...registration },
    {
      generation: {
        dir,
        manifest: { runtime: 'python', model: { modelName: 'm', modelVersion: '1.0', ...model } },
        schema: undefined,
        examples: undefined,
        close: () => Promise.resolve(),
      },
      id: 1 as GenerationId,
      config: { ...defaultConfig('torchserve'), ...config },
      cores: 4,
      gpus: new Devices(gpus),
      log: memoryLogger(records),
    },
  )
  return { ...created, warnings: records.map(({ message }) => message) }
}

test.each<[string, Given, string]>([
  ['that of the registration', { registration: { handler: 'asked.py' } }, 'asked.py'],
  ['that of the manifest', { config: { defaultHandler: 'default.py' } }, 'own.py'],
  ['that of the settings', { model: {}, config: { defaultHandler: 'default.py' } }, 'default.py'],
])('the handler is %s before others', async (_, given, handler) => {
  expect((await specOf(given)).spec.handler).toBe(handler)
})

test('a model of the start has a worker for each GPU, or for each core; one that is registered has none', async () => {
  const registration = { loadedAtStartup: true }
  expect((await specOf({ registration, gpus: ['0', '1', '2'] })).limits).toEqual({ min: 3, max: 3 })
  expect((await specOf({ registration })).limits).toEqual({ min: 4, max: 4 })
  expect((await specOf({ gpus: ['0'] })).limits).toEqual({ min: 0, max: 0 })
})

describe('a model-config.yaml', () => {
  const withFile = (text: string, given: Given = {}) => {
    writeFileSync(join(dir, 'model-config.yaml'), text)
    return specOf({ ...given, model: { configFile: 'model-config.yaml' } })
  }

  test('beats the registration in workers, and not in the size of batches', async () => {
    const registration = { initialWorkers: 5, batchSize: 6 }
    const { spec, limits } = await withFile('minWorkers: 1\nmaxWorkers: 2\nbatchSize: 3\n', { registration })
    expect([limits, spec.batchSize]).toEqual([{ min: 1, max: 2 }, 6])
  })

  test('that is no YAML counts as absent, and so does one that is not there', async () => {
    const words = 'Failed to parse model config file model-config.yaml'
    expect(await withFile('batchSize: [')).toMatchObject({ spec: { batchSize: 1 }, warnings: [words] })
    rmSync(join(dir, 'model-config.yaml'))
    expect(await specOf({ model: { configFile: 'model-config.yaml' } })).toMatchObject({ warnings: [words] })
  })

  test('keeps the default of a value of the wrong type, with a warning', async () => {
    const { spec, warnings } = await withFile('batchSize: many\nresponseTimeout: 7\n')
    expect([spec.batchSize, spec.responseTimeoutMs]).toEqual([1, 7000])
    expect(warnings).toEqual(['Model configuration: batchSize must be a whole number; it is left out.'])
  })
})
