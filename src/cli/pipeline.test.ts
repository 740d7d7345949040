/** The command `marina pipeline`, called as from a shell. Needs the built dist/. */
import { execFile } from 'node:child_process'
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chain, createProject, root, stepOf, type TestProject } from '../../test/support/pipeline-project.js'
import { parseSettings } from './pipeline.js'

let project: TestProject
beforeEach(async () => {
  project = await createProject(chain)
})
afterEach(() => project.remove())

interface Called {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
const call = (words: readonly string[], cwd = project.folder): Promise<Called> =>
  new Promise((resolve) => {
    const args = [join(root, 'bin/marina.js'), 'pipeline', ...words]
    execFile(process.execPath, args, { cwd }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

describe('run', () => {
  test('shows each step as a line, and where the record is', async () => {
    const { code, stdout, stderr } = await call(['run'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^ {2}1\/3 a .* s\b.*\n {2}2\/3 b .*\n {2}3\/3 c .*length 3\n\nDone in .* s\. The record is in .*\/runs\/\d{8}T\d{9}Z-[0-9a-f]{4}\n$/,
    )
    expect((await call([])).stdout).toContain('1/3 a         unchanged')
  })

  test('finds the project by --dir, as a folder or a file', async () => {
    expect((await call(['run', '--dir', project.folder], root)).code).toBe(0)
    expect((await call(['run', '--dir', join(project.folder, 'pipeline.ts')], root)).stdout).toContain(
      'unchanged',
    )
  })

  test('takes another engine’s pipeline by --engine', async () => {
    await copyFile(join(project.folder, 'pipeline.ts'), join(project.folder, 'pipeline.torch.ts'))
    await rm(join(project.folder, 'pipeline.ts'))
    expect((await call(['run', '--engine', 'torch'])).code).toBe(0)
    const { code, stderr } = await call(['run', '--engine', 'jax'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no pipeline at .*pipeline\.jax\.ts/)])
  })

  test('one step alone, although it is up to date', async () => {
    await call(['run'])
    const { code, stdout } = await call(['run', '--only', 'b', '--force'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}1\/1 b .*\(asked for\)\n\nDone/)
  })

  test('--json prints the record and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await call(['run', 'a', '--set', 'a.tail="!"', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'done',
      selection: { steps: ['a'], params: { a: { tail: '!' } } },
      steps: [{ step: 'a', status: 'done', params: { tail: '!' } }],
    })
    expect(stderr).toContain('1/1 a')
  })

  test('a failed step: exit code 1, the reason, and where its log is', async () => {
    await project.write('b.ts', stepOf(`inputs: ['before'], outputs: ['out']`, `throw new Error('no luck')`))
    const { code, stdout, stderr } = await call(['run'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/2\/3 b {9}failed {2}all it said: .*\/runs\/.*\/b\.log/)
    expect(stderr).toBe("error: Step 'b' failed: no luck\n")
  })
})

describe('misuse: exit code 2 and what is wrong', () => {
  test.each([
    [['run', '--only'], '--only and --force need the names of steps'],
    [['run', '--set', 'a=1'], '--set a=1: write step.name=value, such as train.epochs=3'],
    [['run', 'x'], "has no step 'x'; there are a, b, c"],
    [['run', '--dir', '/nowhere'], 'There is no pipeline at /nowhere. Name its folder with --dir.'],
    [['run', '--wrong'], "unknown option '--wrong'"],
  ])('%j', async (words, message) => {
    const { code, stderr } = await call(words)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

test('show says what would run and why, for people and for programs', async () => {
  await call(['run'])
  await project.write('source.txt', 'S')
  const { stdout } = await call(['show'])
  expect(stdout).toBe(
    'a  would run: its input source changed\nb  would run: a step before it runs\nc  would run: a step before it runs\n',
  )
  expect(JSON.parse((await call(['show', 'a', '--json'])).stdout)).toEqual([
    { step: 'a', upToDate: false, why: 'its input source changed' },
  ])
})

test('clean removes what is not used any more', async () => {
  await call(['run'])
  await call(['run', '--set', 'a.tail=x'])
  expect((await call(['clean'])).stdout).toBe('Removed the outputs of 3 steps.\n')
  expect((await call(['run'])).stdout).toContain('1/3 a         unchanged')
  expect((await call(['clean', '--all', '--json'])).stdout).toBe('{"removed":3}\n')
})

test('export says that it is not there yet', async () => {
  const { code, stderr } = await call(['export', '--format', 'argo'])
  expect(code).toBe(1)
  expect(stderr).toBe('error: Exporting a pipeline is not there yet. Run it here: marina pipeline run\n')
})

test.each(['run', 'resume', 'show', 'clean'])('%s --help shows examples', async (command) => {
  const { code, stdout } = await call([command, '--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`Examples?:\\n  marina pipeline ${command} `))
})

describe('parameters on the command line', () => {
  test('are JSON, or else a text', () => {
    expect(parseSettings(['a.n=3', 'a.list=[1,2]', 'b.text=3 px', 'b.equal=a=b', 'a.n=4'])).toEqual({
      a: { n: 4, list: [1, 2] },
      b: { text: '3 px', equal: 'a=b' },
    })
  })
})
