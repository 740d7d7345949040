/** The project that docs/pipeline.md shows, written to files, type-checked and run as it stands there. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, root, type TestProject } from './support/pipeline-project.js'

const call = promisify(execFile)
let project: TestProject
beforeAll(async () => {
  const page = await readFile(join(root, 'docs/pipeline.md'), 'utf8')
  const files = [...page.matchAll(/^```(?:ts|python) (\S+)\n(.*?)^```$/gms)]
  project = await createProject({
    ...Object.fromEntries(files.map(([, name = '', text = '']) => [name, text])),
    'text.txt': 'Row, row, row your boat, gently down the stream; merrily, merrily',
  })
})
afterAll(() => project.remove())

test('it runs, and does what the page says', async () => {
  const { record, ran } = await project.run()
  expect(ran).toEqual(['count', 'sort'])
  expect(record.steps[0]?.report).toEqual({ words: 11, often: 2 })
  expect(await readFile(record.steps[1]?.outputs['sorted'] ?? '', 'utf8')).toBe('3 row\n2 merrily\n')
  expect((await project.run()).ran).toEqual([])
  const strict = await project.run({ profile: 'strict' })
  expect(await readFile(strict.record.steps[1]?.outputs['sorted'] ?? '', 'utf8')).toBe('3 row\n')
})

test('it type-checks under the strictest settings', async () => {
  const base = join(root, 'tsconfig.base.json')
  const types = { typeRoots: [join(root, 'node_modules/@types')], noEmit: true }
  await project.write(
    'tsconfig.json',
    JSON.stringify({ extends: base, compilerOptions: types, include: ['pipeline.ts', 'steps'] }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await expect(call(process.execPath, [tsc, '-p', project.folder])).resolves.toMatchObject({ stdout: '' })
})

test('the commands that it names are there', async () => {
  const page = await readFile(join(root, 'docs/pipeline.md'), 'utf8')
  const { stdout } = await call(process.execPath, [join(root, 'bin/marina.js'), 'pipeline', '--help'])
  const named = new Set([...page.matchAll(/^marina pipeline (\w+)/gm)].map(([, name = '']) => name))
  expect(named.size).toBeGreaterThan(3)
  for (const name of named) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
})
