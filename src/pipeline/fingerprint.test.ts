/** What counts as the content of a file or folder. */
import { appendFile, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canonical, filesOf, fingerprint, hashJson, isUnchanged, type Fingerprint } from './fingerprint.js'
import type { Json } from './step.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-fingerprint-'))
  await mkdir(join(folder, 'tree/inner'), { recursive: true })
  await writeFile(join(folder, 'tree/a'), 'one')
  await writeFile(join(folder, 'tree/inner/b'), 'two')
})
afterEach(() => rm(folder, { recursive: true }))

const tree = () => join(folder, 'tree')
async function noted(): Promise<Fingerprint> {
  const found = await fingerprint(tree(), { sync: true })
  if (!found) throw new Error('there is nothing')
  return found
}

describe('the fingerprint of a folder', () => {
  test('names all files, however deep, with their sizes', async () => {
    const files = await filesOf(tree())
    expect(Object.entries(files ?? {}).map(([name, { bytes }]) => [name, bytes])).toEqual([
      ['a', 3],
      ['inner/b', 3],
    ])
  })

  test('is undefined where there is nothing', async () => {
    expect(await fingerprint(join(folder, 'nothing'))).toBeUndefined()
  })

  const changes: Record<string, () => Promise<void>> = {
    'a file is renamed': () => rename(join(tree(), 'a'), join(tree(), 'c')),
    'a file is added': () => writeFile(join(tree(), 'c'), ''),
    'a file is removed': () => rm(join(tree(), 'inner/b')),
    'a file grows': () => appendFile(join(tree(), 'a'), '!'),
    'bytes move from one file to another': async () => {
      await writeFile(join(tree(), 'a'), 'onet')
      await writeFile(join(tree(), 'inner/b'), 'wo')
    },
    'a byte changes': () => writeFile(join(tree(), 'a'), 'onE'),
  }
  test.each(Object.entries(changes))('changes when %s', async (_, change) => {
    const before = await noted()
    await change()
    expect((await noted()).hash).not.toBe(before.hash)
    expect(await isUnchanged(tree(), before)).toBe(false)
  })

  test('stays when files are only touched', async () => {
    const before = await noted()
    await utimes(join(tree(), 'a'), new Date(0), new Date(0))
    expect((await noted()).hash).toBe(before.hash)
    expect(await isUnchanged(tree(), before)).toBe(true)
  })
})

describe('the hash of a JSON value', () => {
  const json = fc.jsonValue() as fc.Arbitrary<Json>

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (value) => {
        expect(hashJson(Object.fromEntries(Object.entries(value).reverse()))).toBe(hashJson(value))
      }),
    )
  })

  test('is that of a text from which the value can be read again', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
