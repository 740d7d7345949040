/** When snapshots are written, under which names, and what stands in them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryServing, type MemoryServing } from '../../test/support/memory-serving.js'
import { parseProperties } from '../config/properties.js'
import { modelSnapshot } from '../config/snapshot.js'
import { memoryLogger, type LogRecord } from '../log.js'
import type { Catalog } from './catalog.js'
import { snapshotWriter, withChangesTold } from './snapshots.js'

let root = ''
let folder = ''
let serving: MemoryServing
let records: LogRecord[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'marina-snapshots-'))
  folder = join(root, 'logs', 'config')
  serving = memoryServing()
  records = []
})
afterEach(() => rmSync(root, { recursive: true }))

const now = () => new Date(2026, 2, 4, 5, 6, 7, 89)
const writer = () => {
  const { catalog } = serving
  return snapshotWriter({ folder, properties: [['a', 'b']], catalog, log: memoryLogger(records), now })
}
const files = () => readdirSync(folder).sort()
const read = (name: string) => {
  const { entries } = parseProperties(readFileSync(join(folder, name)), name)
  const result = modelSnapshot.parse(entries.find(({ key }) => key === 'model_snapshot')?.value ?? '')
  return 'value' in result ? result.value : undefined
}

test('a snapshot is named after its local time and occasion, and only its owner reads it', () => {
  writer()('startup')
  expect(files()).toEqual(['20260304050607089-startup.cfg'])
  expect(statSync(join(folder, '20260304050607089-startup.cfg')).mode & 0o777).toBe(0o600)
})

test('none is overwritten: in one millisecond the next name is taken', () => {
  const write = writer()
  for (let at = 0; at < 3; at++) write('snapshot')
  expect(files()).toEqual([
    '20260304050607089-snapshot.cfg',
    '20260304050607090-snapshot.cfg',
    '20260304050607091-snapshot.cfg',
  ])
  expect(read('20260304050607091-snapshot.cfg')).toMatchObject({
    name: '20260304050607091-snapshot.cfg',
    createdMs: now().getTime() + 2,
  })
})

test('every version stands in it with its settings and the last part of its URL', () => {
  serving.add('m', '1.0', {
    modelUrl: 'https://host/a/m-1.mar',
    isDefault: true,
    minWorkers: 2,
    maxWorkers: 3,
  })
  serving.add('m', '2.0', { modelUrl: '/store/folder/', maxBatchDelayMs: 7, runtime: 'python' })
  writer()('snapshot')
  const [name = ''] = files()
  expect(Object.fromEntries(read(name)?.models.get('m') ?? [])).toMatchObject({
    '1.0': {
      defaultVersion: true,
      marName: 'm-1.mar',
      minWorkers: 2,
      maxWorkers: 3,
      responseTimeoutMs: 120_000,
    },
    '2.0': { defaultVersion: false, marName: 'folder', maxBatchDelayMs: 7, runtime: 'python' },
  })
})

test('a folder that cannot be made is a warning, and nothing else', () => {
  writeFileSync(join(root, 'logs'), 'a file')
  writer()('startup')
  expect(records).toMatchObject([{ level: 'warn', message: expect.stringContaining(folder) as string }])
})

/** How often a change was told after these calls. */
async function told(...calls: readonly ((catalog: Catalog) => unknown)[]): Promise<number> {
  let changes = 0
  const catalog = withChangesTold(serving.catalog, () => changes++)
  for (const call of calls) {
    try {
      await call(catalog)
    } catch {
      // Only what is told counts here.
    }
  }
  return changes
}

test('each change that succeeds is told once: registering, scaling, another default, unregistering', async () => {
  serving.add('m', '1.0')
  serving.add('m', '2.0')
  const changes: ((catalog: Catalog) => unknown)[] = [
    (catalog) => catalog.register({ url: 'n.mar' }),
    (catalog) => catalog.scale('m', undefined, { min: 2, max: 2 }),
    (catalog) => catalog.setDefault('m', '2.0'),
    (catalog) => catalog.unregister('m', '1.0'),
  ]
  for (const change of changes) expect(await told(change)).toBe(1)
})

test('calls that fail and calls that read tell nothing', async () => {
  serving.add('m', '1.0')
  const calls: ((catalog: Catalog) => unknown)[] = [
    (catalog) => catalog.register({ url: '' }),
    (catalog) => catalog.scale('none', undefined, { min: 1, max: 1 }).ready,
    (catalog) => catalog.setDefault('m', '9'),
    (catalog) => catalog.unregister('none', undefined),
    (catalog) => [catalog.list(), catalog.describe('m', 'all')],
  ]
  expect(await told(...calls)).toBe(0)
})

test('a synchronous registration whose workers fail is told again, since the version is gone', async () => {
  serving.startWorkers = () => Promise.reject(new Error('no weights'))
  const register = (synchronous: boolean) => async (catalog: Catalog) => {
    const url = `${String(synchronous)}.mar`
    const { ready } = await catalog.register({ url, initialWorkers: 1, synchronous })
    await ready
  }
  expect(await told(register(true))).toBe(2)
  expect(await told(register(false))).toBe(1)
})
