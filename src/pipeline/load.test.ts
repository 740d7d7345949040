/** Pipelines that cannot run are refused before anything does, with the file, the step and what is wrong. */
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  chain,
  createProject,
  pipelineOf,
  stepOf,
  type TestProject,
} from '../../test/support/pipeline-project.js'
import { loadPipeline } from './load.js'

let project: TestProject
beforeEach(async () => {
  project = await createProject(chain)
})
afterEach(() => project.remove())

async function refusalOf(steps: string, more = ''): Promise<unknown> {
  await project.write('pipeline.ts', pipelineOf(steps, more))
  return loadPipeline(`${project.folder}/pipeline.ts`).then(
    () => 'it was accepted',
    (error: unknown) => error,
  )
}
const misuse = (message: string | RegExp) => ({
  code: 'misuse',
  message: (typeof message === 'string'
    ? expect.stringContaining(message)
    : expect.stringMatching(message)) as string,
})
const a = `a: step('a.ts', { inputs: { source: file('source.txt') } })`

describe('refused with what is wrong', () => {
  test.each([
    [
      'steps that wait for each other',
      `a: command(['x'], { after: ['b'] }), b: command(['x'], { after: ['c'] }), c: command(['x'], { after: ['a'] })`,
      'the steps a → b → c → a wait for each other',
    ],
    [
      'a step that waits for itself',
      `a: command(['x'], { after: ['a'] })`,
      'the steps a → a wait for each other',
    ],
    [
      'a step that is not there',
      `${a}, b: step('b.ts', { inputs: { before: from('z', 'out') } })`,
      "step 'b' needs 'z', which is no step; there are a, b",
    ],
    [
      'an output that is not there',
      `${a}, b: step('b.ts', { inputs: { before: from('a', 'z') } })`,
      "step 'b' reads 'before' from 'a', which has no output 'z'; it has out",
    ],
    [
      'an input that the step does not have',
      `a: step('a.ts', { inputs: { source: file('x'), z: file('x') } })`,
      "step 'a': has no input 'z'; it has source",
    ],
    ['an input that is not given', `a: step('a.ts')`, "step 'a': its input 'source' is not given"],
    [
      'a parameter that the step does not have',
      `a: step('a.ts', { inputs: { source: file('x') }, params: { z: 1 } })`,
      "has no parameter 'z'; it has tail",
    ],
    ['two steps of one name', `${a}, ${a}`, /pipeline\.ts:\d+:\d+: Duplicate key "a" in object literal/],
    ['a name that is none', `'a b': command(['x'])`, "a step is called 'a b'; a name begins with a letter"],
    ['a step that nothing made', `a: 'a.ts'`, "step 'a' must be made by step('…') or command(['…'])"],
    ['a file that is not there', `a: step('none.ts')`, /none\.ts: there is no such file/],
    [
      'a placeholder that stands for nothing',
      `a: command(['x', '{inputs.z}'], { outputs: ['out'] })`,
      "step 'a': has no placeholder 'inputs.z'; it has outputs.out, scratch",
    ],
    [
      'an output twice',
      `a: command(['x'], { outputs: ['out', 'out'] })`,
      "step 'a': has the output 'out' twice",
    ],
    [
      'an output outside of its folder',
      `a: command(['x'], { outputs: ['../out'] })`,
      "has an output '../out'",
    ],
    [
      'code that is not there',
      `a: command(['x'], { code: ['none.py'] })`,
      /its code .*none\.py is not there/,
    ],
  ])('%s', async (_, steps, message) => {
    expect(await refusalOf(steps)).toMatchObject(misuse(message))
  })

  test('a profile of a step or parameter that is not there', async () => {
    expect(await refusalOf(a, `profiles: { quick: { z: {} } }`)).toMatchObject(
      misuse("profile 'quick': has no step 'z'; it has a"),
    )
    expect(await refusalOf(a, `profiles: { quick: { a: { z: 1 } } }`)).toMatchObject(
      misuse("profile 'quick', step 'a': has no parameter 'z'; it has tail"),
    )
  })

  test('a step file without a step', async () => {
    await project.write('a.ts', 'export default 7')
    expect(await refusalOf(a)).toMatchObject(
      misuse("step 'a' (a.ts): has no step; it needs: export default defineStep({ … })"),
    )
  })

  test('a file that is no TypeScript, with line and column', async () => {
    await project.write('a.ts', 'export default {\n  a: ,\n}')
    expect(await refusalOf(a)).toMatchObject(misuse(/a\.ts:2:5: Unexpected ","/))
  })

  test('a pipeline file without a pipeline', async () => {
    await writeFile(`${project.folder}/pipeline.ts`, 'export const pipeline = 1')
    await expect(loadPipeline(`${project.folder}/pipeline.ts`)).rejects.toMatchObject(
      misuse('pipeline.ts: has no pipeline; it needs: export default definePipeline({ name, steps })'),
    )
  })
})

test('steps come after what they need, else as they stand', async () => {
  await project.write(
    'pipeline.ts',
    pipelineOf(`z: command(['x'], { after: ['a'] }), y: command(['x']), ${a}`),
  )
  const { steps } = await loadPipeline(`${project.folder}/pipeline.ts`)
  expect(steps.map(({ name }) => name)).toEqual(['a', 'z', 'y'])
})

describe('the hash of a step’s code', () => {
  const installed = (name: string, version: string, dependencies = {}) =>
    Promise.all([
      project.write(
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, version, type: 'module', main: 'index.js', dependencies }),
      ),
      project.write(`node_modules/${name}/index.js`, `export default '${name}'`),
    ])
  const hash = async () => {
    const { steps } = await loadPipeline(`${project.folder}/pipeline.ts`)
    return steps[0]?.code
  }
  beforeEach(async () => {
    await installed('direct', '1.0.0', { deeper: '*' })
    await installed('deeper', '1.0.0')
    await project.write(
      'a.ts',
      stepOf(`inputs: ['source'], outputs: ['out'], params: { tail: '' }`, 'log(direct)'),
    )
    await project.write('a.ts', `import direct from 'direct'\n${await project.read('a.ts')}`)
  })

  test('changes with the version of a package that the step imports', async () => {
    const before = await hash()
    await installed('direct', '1.0.1', { deeper: '*' })
    expect(await hash()).not.toBe(before)
  })

  test('changes with the version of a package that such a package needs', async () => {
    const before = await hash()
    await installed('deeper', '1.0.1')
    expect(await hash()).not.toBe(before)
  })

  test('does not change with a package that the step has nothing to do with', async () => {
    const before = await hash()
    await installed('other', '1.0.0')
    expect(await hash()).toBe(before)
  })

  test('does not depend on the folder that the command is called in', async () => {
    const before = await hash()
    const back = process.cwd()
    process.chdir(project.folder)
    try {
      expect(await hash()).toBe(before)
    } finally {
      process.chdir(back)
    }
  })
})
