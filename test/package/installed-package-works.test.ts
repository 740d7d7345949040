/** Packs the tarball, installs it into an empty folder, and uses it as a user would: types, library, commands. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'marina-package-'))
const project = join(work, 'project')
let tarball = ''

const npm = (args: string[], cwd: string) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' })
const node = (args: string[]) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })

beforeAll(() => {
  // dist/ is there already: npm test builds before it runs this group.
  npm(['pack', '--ignore-scripts', '--pack-destination', work], root)
  tarball = join(
    work,
    readdirSync(work).find((name) => name.endsWith('.tgz'))!,
  )
  execFileSync('mkdir', [project])
  writeFileSync(join(project, '.npmrc'), 'onnxruntime-node-install=skip\n')
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  )
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], project)
})

afterAll(() => {
  rmSync(work, { recursive: true, force: true })
})

test('publint finds nothing to say', () => {
  const { status, stdout } = spawnSync('npx', ['publint', '--strict', tarball], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stdout).toContain('All good!')
  expect(status).toBe(0)
})

test('attw finds no type that cannot be reached', () => {
  const options = ['--profile', 'esm-only', '--no-color', '--format', 'ascii']
  const { status, stdout } = spawnSync('npx', ['attw', tarball, ...options], { cwd: root, encoding: 'utf8' })
  expect(status, stdout).toBe(0)
})

test('a handler, an archive and an index type-check from outside and run', () => {
  writeFileSync(
    join(project, 'use.ts'),
    `
import { defineHandler, failure, mainPart, MarinaError } from 'marina'
import { openArchive, pack } from 'marina/archive'
import { buildIndex, openIndex, saveIndex } from 'marina/vector'
import * as training from 'marina/training'
import { definePipeline, defineStep } from 'marina/pipeline'
import { deployArchive } from 'marina/deploy'

export const handler = defineHandler({
  initialize: () => ({ greeting: 'hello' }),
  preprocess: (jobs) => jobs.map((job) => mainPart(job) ?? failure(400, 'no body')),
  inference: (parts, state) => parts.map((part) => state.greeting.length + part.data.length),
  postprocess: (lengths) => lengths.map((length) => ({ length })),
})

const index = await buildIndex({ metric: 'l2', dimension: 2, vectors: Float32Array.of(0, 0, 3, 4), labels: ['a', 'b'] })
await saveIndex(index, 'points.index')
const opened = await openIndex('points.index')
const [nearest] = await opened.search(Float32Array.of(3, 3), 1)
console.log(JSON.stringify({ label: nearest?.[0]?.label, dist: nearest?.[0]?.dist }))
await index.close()
await opened.close()

const unused: unknown[] = [training, definePipeline, defineStep, deployArchive, openArchive, pack]
try {
  await openIndex('missing.index')
} catch (error) {
  console.log(error instanceof MarinaError ? error.code : String(error), unused.length)
}
`,
  )
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { target: 'es2023', module: 'nodenext', strict: true, types: ['node'], outDir: 'out' },
      files: ['use.ts'],
    }),
  )
  // The user's own TypeScript and types of Node, as they would stand in the project's devDependencies.
  execFileSync('mkdir', ['-p', join(project, 'node_modules/@types')])
  symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], {
    cwd: project,
    encoding: 'utf8',
  })
  expect(tsc.stdout).toBe('')
  const run = node(['out/use.js'])
  expect(run.stderr).toBe('')
  expect(run.stdout).toBe('{"label":"b","dist":1}\ninvalid-file 6\n')
})

test('the three commands start, and say what they are', () => {
  const bin = (name: string, ...args: string[]) =>
    spawnSync(join(project, 'node_modules/.bin', name), args, { cwd: project, encoding: 'utf8' })
  expect(bin('marina', '--version').stdout.trim()).toBe('0.1.0')
  expect(bin('marina', '--help').stdout).toContain('marina demo')
  expect(bin('torchserve', '--help').status).toBe(0)
  expect(bin('torch-model-archiver', '--help').status).toBe(0)
  expect(bin('marina', 'no-such-command').status).toBe(2)
})

test('the tarball holds no tests, no caches and no sources of the dashboard', () => {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n')
  expect(files).toContain('package/dist/index.d.ts')
  expect(files).toContain('package/examples/mnist/pipeline.ts')
  expect(
    files.filter(
      (file) =>
        !file.startsWith('package/templates/') &&
        /\.test\.|\/\.cache\/|\/runs\/|tsbuildinfo|node_modules/.test(file),
    ),
  ).toEqual([])
})
