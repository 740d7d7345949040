/** Model stores with real archives in them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pack } from './pack.js'
import { listStore, nextVersion } from './store.js'

let store = ''
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'marina-store-'))
})
afterEach(() => rm(store, { recursive: true, force: true }))

const put = (
  modelName: string,
  version: string,
  archiveFormat: 'default' | 'tgz' | 'no-archive' = 'default',
) =>
  pack({
    modelName,
    version,
    fileName: `${modelName}-${version}`,
    handler: 'base_handler',
    exportPath: store,
    archiveFormat,
  })

it('a store that does not exist is empty, and the first version is 1.0', async () => {
  expect(await listStore(join(store, 'none'))).toEqual([])
  expect(await nextVersion(join(store, 'none'), 'embedding')).toBe('1.0')
})

it('versions go up by whole numbers, whatever form the archives have and whatever other models do', async () => {
  expect(await nextVersion(store, 'embedding')).toBe('1.0')
  await put('embedding', '1.0')
  expect(await nextVersion(store, 'embedding')).toBe('2.0')
  await put('embedding', '2.7', 'tgz')
  await put('embedding', '3', 'no-archive')
  await put('embedding-9.0', '1.0')
  await put('other', '40.0')
  expect(await nextVersion(store, 'embedding')).toBe('10.0')
  await rm(join(store, 'embedding-9.0-1.0.mar'))
  expect(await nextVersion(`${store}/`, 'embedding')).toBe('4.0')
})

it('a number is not given out while an archive is called by it, even a damaged one', async () => {
  await writeFile(join(store, 'embedding-5.0.mar'), 'damaged')
  expect(await nextVersion(store, 'embedding')).toBe('6.0')
})

it('versions that are no numbers do not count', async () => {
  await put('embedding', 'nightly')
  expect(await nextVersion(store, 'embedding')).toBe('1.0')
})

it('the list has archives by file name, damaged ones with the reason, and no other files', async () => {
  await put('b', '1.0')
  await put('a', '2.0', 'no-archive')
  await writeFile(join(store, 'damaged.mar'), 'text')
  await writeFile(join(store, 'readme.txt'), 'text')
  await mkdir(join(store, 'just-a-folder'))
  expect(await listStore(store)).toEqual([
    { kind: 'archive', file: join(store, 'a-2.0'), name: 'a', version: '2.0' },
    { kind: 'archive', file: join(store, 'b-1.0.mar'), name: 'b', version: '1.0' },
    {
      kind: 'damaged',
      file: join(store, 'damaged.mar'),
      problem: expect.stringContaining('neither a zip file') as string,
    },
  ])
})
