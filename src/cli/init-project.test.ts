/** New projects as they are written; test/package shows that they run. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readProject } from '../archive/index.js'
import { decodeModel } from '../onnx/index.js'
import { createProject } from './init-project.js'
import { packageVersion } from './version.js'

let work = ''
beforeEach(async () => (work = await mkdtemp(join(tmpdir(), 'marina-init-'))))
afterEach(() => rm(work, { recursive: true }))

const packageOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, Record<string, string>>

test('a project holds all that marina archive looks for, under the name of its folder', async () => {
  const { name, files } = await createProject(join(work, 'a/digits'), undefined)
  const project = await readProject(join(work, 'a/digits'))
  expect(name).toBe('digits')
  expect(files).toEqual(await readdir(join(work, 'a/digits')))
  expect(project).toMatchObject({ modelName: 'digits', version: '1.0.0' })
  expect(project.handler).toMatch(/handler\.ts$/)
  expect(project.serializedFile).toMatch(/model\.onnx$/)
  expect(project.extraFiles).toEqual([])
  expect(project.marina?.examples).toHaveLength(1)
  expect((await packageOf(join(work, 'a/digits')))['dependencies']).toEqual({
    marina: `^${packageVersion()}`,
  })
  expect(await readFile(join(work, 'a/digits/.npmrc'), 'utf8')).toMatch(/^onnxruntime-node-install=skip$/m)
  const model = decodeModel(await readFile(join(work, 'a/digits/model.onnx')))
  expect(model.inputs.map(({ shape }) => shape)).toEqual([['n', 4]])
})

test('a tarball is named as npm sees it from the project', async () => {
  await writeFile(join(work, 'marina.tgz'), '')
  await createProject(join(work, 'a/digits'), `file:${join(work, 'marina.tgz')}`)
  const { dependencies } = await packageOf(join(work, 'a/digits'))
  expect(dependencies).toEqual({ marina: 'file:../../marina.tgz' })
})

test('an empty folder is filled, and stays the same folder', async () => {
  const folder = join(work, 'digits')
  await mkdir(folder)
  await createProject(folder, '1.2.3')
  expect((await packageOf(folder))['dependencies']).toEqual({ marina: '1.2.3' })
  expect(await readdir(work)).toEqual(['digits'])
})

test('a folder that holds something is refused and left alone', async () => {
  const folder = join(work, 'digits')
  await mkdir(folder)
  await writeFile(join(folder, 'mine.txt'), 'mine')
  await expect(createProject(folder, undefined)).rejects.toMatchObject({ code: 'misuse' })
  await expect(createProject(join(folder, 'mine.txt'), undefined)).rejects.toThrow('mine.txt is no folder')
  expect(await readdir(folder)).toEqual(['mine.txt'])
})

test.each(['Digits', '-x', 'my digits', 'ünder'])('the name %j is refused', async (name) => {
  await expect(createProject(join(work, name), undefined)).rejects.toThrow('cannot be the name of a project')
  expect(existsSync(join(work, name))).toBe(false)
})

test('a tarball that is not there is named, and nothing is written', async () => {
  await expect(createProject(join(work, 'digits'), 'file:./nothing.tgz')).rejects.toThrow(
    'nothing.tgz is not there',
  )
  expect(await readdir(work)).toEqual([])
})
