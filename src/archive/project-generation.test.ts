/** Project folders that are served as they are: what their generations hold, and what changes of the project do to them. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isProject, openProject, openSource } from './project-generation.js'

let work = ''
let options = { cacheDir: '', generationsDir: '' }
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'marina-project-'))
  options = { cacheDir: join(work, 'cache'), generationsDir: join(work, 'generations') }
})
afterEach(() => rm(work, { recursive: true }))

async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(work, 'digits')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

const TYPED = `import { side } from '../shared/side.ts'
export default { inference: (jobs: readonly unknown[]) => jobs.map(() => side) }`

test('a generation holds what an archive would, and names the sources of its handler', async () => {
  await mkdir(join(work, 'shared'))
  await writeFile(join(work, 'shared/side.ts'), 'export const side: number = 28')
  const folder = await project({
    'handler.ts': TYPED,
    'settings.json': '{}',
    'package.json': '{ "version": "3.0" }',
    'examples/one.json': '1',
    'examples/one.json.expect.json': '{ "pred": 1 }',
  })
  const generation = await openProject(folder, options)
  expect(generation.manifest).toMatchObject({
    runtime: 'node',
    model: { modelName: 'digits', modelVersion: '3.0', handler: 'handler.mjs' },
  })
  expect(generation.examples?.requests).toMatchObject([{ name: 'one', expect: { pred: 1 } }])
  expect((await readdir(generation.dir)).sort()).toEqual([
    'MAR-INF',
    'handler.mjs',
    'handler.mjs.map',
    'settings.json',
  ])
  expect([...generation.sources].sort()).toEqual([join(folder, 'handler.ts'), join(work, 'shared/side.ts')])
  const map = JSON.parse(await readFile(join(generation.dir, 'handler.mjs.map'), 'utf8')) as object
  expect(map).toMatchObject({ sourceRoot: `${pathToFileURL(folder).href}/` })
  await generation.close()
  expect(existsSync(generation.dir)).toBe(false)
  expect(existsSync(folder)).toBe(true)
})

test('a generation stays as it was while the project goes on changing', async () => {
  const folder = await project({ 'handler.py': 'ONE = 1', 'helper.py': 'TWO = 2' })
  const old = await openProject(folder, options)
  await project({ 'handler.py': 'ONE = "new"' })
  const next = await openProject(folder, options)
  expect(await readFile(join(old.dir, 'handler.py'), 'utf8')).toBe('ONE = 1')
  expect(await readFile(join(next.dir, 'handler.py'), 'utf8')).toBe('ONE = "new"')
  expect(await readFile(join(next.dir, 'helper.py'), 'utf8')).toBe('TWO = 2')
  expect(next.sources).toEqual([])
})

test('a handler that cannot be bundled is refused with its place, and nothing is left behind', async () => {
  const folder = await project({ 'handler.ts': 'export default {\n  inference: (' })
  await expect(openProject(folder, options)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(/digits\/handler\.ts:2:\d+: Unexpected end of file/) as string,
  })
  expect(existsSync(options.generationsDir)).toBe(false)
})

test('an unpacked archive is no project, also one folder down, and is used where it lies', async () => {
  const folder = await project({
    'inner/MAR-INF/MANIFEST.json': '{ "model": { "modelName": "m", "modelVersion": "1.0", "handler": "h" } }',
  })
  expect(await isProject(folder)).toBe(false)
  expect(await isProject(join(folder, 'inner/MAR-INF/MANIFEST.json'))).toBe(false)
  expect(await isProject(join(work, 'nowhere'))).toBe(false)
  expect((await openSource(folder, options)).dir).toBe(join(folder, 'inner'))
})
