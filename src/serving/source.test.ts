import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fallbackName, findSource } from './source.js'

let root = ''
let modelStore = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'marina-source-'))
  modelStore = join(root, 'store')
  await mkdir(join(modelStore, 'folder'), { recursive: true })
  await mkdir(join(root, 'elsewhere/model'), { recursive: true })
  await writeFile(join(modelStore, 'a.mar'), '')
  await writeFile(join(root, 'elsewhere/a.mar'), '')
  await writeFile(join(root, 'elsewhere/b.mar'), '')
})
afterAll(() => rm(root, { recursive: true }))

const find = (url: string, explicitPaths = false) =>
  findSource(url, { modelStore, explicitPaths, allowedUrls: [], cwd: join(root, 'elsewhere') })

describe('as in TorchServe', () => {
  test('a file is looked up by its base name in the model store, wherever the url points', () => {
    const inStore = { kind: 'archive', path: join(modelStore, 'a.mar') }
    expect(find('a.mar')).toEqual(inStore)
    expect(find('/some/where/a.mar')).toEqual(inStore)
    expect(find(String.raw`C:\models\a.mar`)).toEqual(inStore)
  })

  test('a folder is found by its path, and else in the model store, with or without a slash', () => {
    expect(find(join(root, 'elsewhere/model'))).toEqual({
      kind: 'folder',
      path: join(root, 'elsewhere/model'),
    })
    expect(find('model')).toEqual({ kind: 'folder', path: join(root, 'elsewhere/model') })
    expect(find('folder/')).toEqual({ kind: 'folder', path: join(modelStore, 'folder') })
  })

  test.each([
    ['nothing.mar', 'Model not found at: nothing.mar'],
    ['/elsewhere/b.mar', 'Model not found at: /elsewhere/b.mar'],
    ['s3://bucket/a.mar', undefined],
    ['../a.mar', 'Relative path is not allowed in url: ../a.mar'],
    ['', 'empty url'],
    ['http://host/a.mar', 'Given URL http://host/a.mar does not match any allowed URL(s)'],
    ['FILE:///a.mar', 'Given URL FILE:///a.mar does not match any allowed URL(s)'],
    ['/', 'Model not found at: /'],
    ['.', undefined],
  ])('%s: %s', (url, message) => {
    if (message === undefined) expect(() => find(url)).not.toThrow()
    else expect(() => find(url)).toThrow(expect.objectContaining({ code: 'model-not-found', message }))
  })

  test('the model store itself is not a model', () => {
    expect(() => find(modelStore)).toThrow('Model not found at')
  })

  test('without a model store nothing is found', () => {
    const options = { modelStore: undefined, explicitPaths: false, allowedUrls: [] }
    expect(() => findSource('a.mar', options)).toThrow('Model store has not been configured.')
  })
})

describe('with explicit paths', () => {
  test('a path to a file means that file', () => {
    expect(find(join(root, 'elsewhere/b.mar'), true)).toMatchObject({ path: join(root, 'elsewhere/b.mar') })
    expect(find('b.mar', true)).toMatchObject({ path: join(root, 'elsewhere/b.mar') })
  })

  test('the model store comes after that, and is not needed', () => {
    expect(find('folder', true)).toMatchObject({ path: join(modelStore, 'folder') })
    expect(() =>
      findSource('b.mar', { modelStore: undefined, explicitPaths: true, allowedUrls: [] }),
    ).toThrow('Model not found at: b.mar')
  })
})

test.each([
  ['my-model.mar', 'my_model'],
  ['/store/_digits.v2.model', '_digits_v2'],
  ['noop.tar.gz', 'noop_tar_gz'],
  ['noop', 'noop'],
])('a nameless archive %s is called %s', (url, name) => {
  expect(fallbackName(url)).toBe(name)
})
