/** The pipeline's own files on disk. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRecord, readJson, replaceJson } from './json-file.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-json-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('what was written is read again, and nothing lies beside it', async () => {
  const file = join(folder, 'a.json')
  await replaceJson(file, { a: 1 })
  await replaceJson(file, { a: 2 })
  expect(await readJson(file, isRecord)).toEqual({ a: 2 })
  expect(await readdir(folder)).toEqual(['a.json'])
  expect(await readFile(file, 'utf8')).toBe('{\n  "a": 2\n}\n')
})

test.each(['', '{"a":', '[]', 'null', '7'])('%j is not an object, and counts as not there', async (text) => {
  await writeFile(join(folder, 'a.json'), text)
  expect(await readJson(join(folder, 'a.json'), isRecord)).toBeUndefined()
})

test('a file that is not there is undefined', async () => {
  expect(await readJson(join(folder, 'none.json'), isRecord)).toBeUndefined()
})
