/** What a start from a snapshot registers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Snapshot, SnapshotVersion } from '../config/snapshot.js'
import { memoryLogger, type LogRecord } from '../log.js'
import type { Catalog, Registration } from './catalog.js'
import { restoreModels } from './restore.js'

let modelStore = ''
beforeEach(() => {
  modelStore = mkdtempSync(join(tmpdir(), 'marina-restore-'))
  for (const name of ['a-1.mar', 'a-2.mar', 'broken.mar']) writeFileSync(join(modelStore, name), '')
})
afterEach(() => rmSync(modelStore, { recursive: true }))

const version = (marName: string, more: Partial<SnapshotVersion> = {}): SnapshotVersion => ({
  defaultVersion: false,
  marName,
  minWorkers: 1,
  maxWorkers: 1,
  batchSize: 2,
  maxBatchDelayMs: 3,
  responseTimeoutMs: 4000,
  startupTimeoutMs: 5000,
  runtime: 'python',
  ...more,
})

const snapshotOf = (...models: [string, Record<string, SnapshotVersion>][]): Snapshot => ({
  name: 'startup.cfg',
  createdMs: undefined,
  models: new Map(models.map(([name, versions]) => [name, new Map(Object.entries(versions))])),
})

/** Workers that never become ready: nobody may wait for them. */
const forEver = new Promise<void>(() => undefined)

/** A catalog that writes down what is asked of it, and has no broken model. */
function notebook() {
  const calls: string[] = []
  const registrations: Registration[] = []
  const records: LogRecord[] = []
  const catalog: Pick<Catalog, 'register' | 'scale' | 'setDefault'> = {
    register(registration) {
      registrations.push(registration)
      if (registration.url === 'broken.mar') return Promise.reject(new Error('broken'))
      const name = registration.modelName ?? ''
      const number = /-(\d)/.exec(registration.url)?.[1] ?? '1'
      return Promise.resolve({ name, version: `${number}.0`, workers: 1, ready: forEver })
    },
    scale(model, of, { min, max }) {
      calls.push(`scale ${model} ${of ?? ''} ${min} ${max}`)
      return { ready: Promise.resolve() }
    },
    setDefault: (model, of) => void calls.push(`default ${model} ${of}`),
  }
  // Restoring calls these three alone.
  const deps = { catalog: catalog as Catalog, modelStore, log: memoryLogger(records) }
  return { calls, registrations, records, deps }
}

test('each version is registered with the snapshot’s values, scaled, and the default is set', async () => {
  const { deps, calls, registrations } = notebook()
  const models = {
    '1.0': version('a-1.mar'),
    '2.0': version('a-2.mar', { defaultVersion: true, maxWorkers: 4 }),
  }
  expect(await restoreModels(snapshotOf(['a', models]), deps)).toHaveLength(2)
  expect(registrations[0]).toEqual({
    url: 'a-1.mar',
    modelName: 'a',
    initialWorkers: 1,
    batchSize: 2,
    maxBatchDelayMs: 3,
    responseTimeoutMs: 4000,
    startupTimeoutMs: 5000,
    exact: true,
    synchronous: false,
  })
  expect(calls).toEqual(['scale a 2.0 1 4', 'default a 2.0'])
})

test('an archive that is not in the model store ends the start before anything is loaded', async () => {
  const { deps, registrations } = notebook()
  const snapshot = snapshotOf(['a', { '1.0': version('a-1.mar') }], ['b', { '1.0': version('none.mar') }])
  const text = 'Model archive file for model :b, version :1.0 not found in model store'
  await expect(restoreModels(snapshot, deps)).rejects.toThrow(text)
  expect(registrations).toEqual([])
})

test('a version that cannot be loaded leaves out those after it, and the server starts', async () => {
  const { deps, registrations, records } = notebook()
  const snapshot = snapshotOf(['a', { '1.0': version('broken.mar') }], ['b', { '1.0': version('a-1.mar') }])
  expect(await restoreModels(snapshot, deps)).toEqual([
    { kind: 'left-out', model: 'a', why: 'version 1.0: broken' },
    { kind: 'left-out', model: 'b', why: 'it stands after a, which failed' },
  ])
  expect([registrations.length, records[0]?.level]).toEqual([1, 'error'])
})

test('a snapshot without models starts empty, with a warning', async () => {
  const { deps, records } = notebook()
  expect(await restoreModels(snapshotOf(), deps)).toEqual([])
  expect(records[0]?.level).toBe('warn')
})
