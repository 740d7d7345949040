/** Which steps run again and why, over real projects whose steps run in real processes. Needs the built dist/. */
import { rm, utimes, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  chain,
  createProject,
  pipelineOf,
  stepOf,
  type TestProject,
} from '../../test/support/pipeline-project.js'
import { loadPipeline } from './load.js'
import { cleanCache } from './run.js'
import { inspectPipeline } from './state.js'

const projects: TestProject[] = []
afterEach(async () => {
  await Promise.all(projects.splice(0).map((project) => project.remove()))
})
async function projectOf(files: Readonly<Record<string, string>>): Promise<TestProject> {
  const project = await createProject(files)
  projects.push(project)
  return project
}
const outputOf = async (project: TestProject, run: Awaited<ReturnType<TestProject['run']>>, step: string) => {
  const path = run.record.steps.find((row) => row.step === step)?.outputs['out'] ?? ''
  return project.read(path.slice(project.folder.length + 1))
}

describe('what is unchanged is not run again', () => {
  test('a second run skips every step, and shows what each reported', async () => {
    const project = await projectOf(chain)
    const first = await project.run()
    expect(first.ran).toEqual(['a', 'b', 'c'])
    expect(first.why).toEqual({ a: 'never ran', b: 'never ran', c: 'never ran' })
    expect(await outputOf(project, first, 'c')).toBe('sabc')
    const second = await project.run()
    expect(second.ran).toEqual([])
    expect(second.record.steps.map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped'])
    expect(second.events).toContainEqual({ kind: 'step-skipped', step: 'c', report: { length: 3 } })
  })

  test('comments and white space are no change', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.write('b.ts', `// why\n\n${chain['b.ts'] ?? ''}`)
    expect((await project.run()).ran).toEqual([])
  })

  test('a step whose input came out the same need not run, though what made it did', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.write('a.ts', (chain['a.ts'] ?? '').replace(`'a' +`, `String.fromCharCode(97) +`))
    const { ran, why } = await project.run()
    expect(ran).toEqual(['a'])
    expect(why['a']).toBe('its code changed')
  })

  test('going back to an older parameter finds what was made with it', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.run({ params: { a: { tail: '!' } } })
    expect((await project.run()).ran).toEqual([])
  })
})

describe('a change runs what depends on it, and says why', () => {
  test('changed code', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.write('b.ts', (chain['b.ts'] ?? '').replace(`'b'`, `'B'`))
    const run = await project.run()
    expect(run.why).toEqual({ b: 'its code changed', c: 'its input before changed' })
    expect(await outputOf(project, run, 'c')).toBe('saBc')
  })

  test('changed code of a file that a step imports', async () => {
    const imports = `import { letter } from './letter.js'\n${(chain['b.ts'] ?? '').replace(`'b'`, 'letter')}`
    const project = await projectOf({
      ...chain,
      'b.ts': imports,
      'letter.ts': `export const letter: string = 'b'`,
    })
    await project.run()
    await project.write('letter.ts', `export const letter: string = 'x'`)
    expect((await project.run()).ran).toEqual(['b', 'c'])
  })

  test('a changed parameter, from the call or from a profile', async () => {
    const profiles = `profiles: { loud: { b: { tail: '!' } } }`
    const project = await projectOf({
      ...chain,
      'pipeline.ts': (chain['pipeline.ts'] ?? '').replace(/,\s*\}\)$/, `, ${profiles} })`),
    })
    await project.run()
    const byProfile = await project.run({ profile: 'loud' })
    expect(byProfile.why).toEqual({ b: 'tail changed', c: 'its input before changed' })
    expect(await outputOf(project, byProfile, 'c')).toBe('sab!c')
    const byCall = await project.run({ profile: 'loud', params: { b: { tail: '?' } } })
    expect(await outputOf(project, byCall, 'c')).toBe('sab?c')
  })

  test('a changed, vanished or new file of the project', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.write('source.txt', 'S')
    expect((await project.run()).why['a']).toBe('its input source changed')
    await rm(`${project.folder}/source.txt`)
    await expect(project.run()).rejects.toThrow(/Step 'a' failed: .*source\.txt/)
    await project.write('source.txt', 's')
    expect((await project.run()).ran).toEqual([])
  })
})

describe('what is not as it was left is made again', () => {
  const damages: Record<string, (file: string) => Promise<void>> = {
    removed: (file) => rm(file),
    'longer than it was': (file) => writeFile(file, 'sabX'),
    'of the same length but other content': (file) => writeFile(file, 'sX'),
  }
  test.each(Object.entries(damages))('an output that is %s', async (_, damage) => {
    const project = await projectOf(chain)
    const first = await project.run()
    await damage(first.record.steps[1]?.outputs['out'] ?? '')
    const { ran, why } = await project.run()
    // What c reads came out the same again.
    expect(ran).toEqual(['b'])
    expect(why['b']).toBe('its output out is not as it was')
    expect((await project.run()).ran).toEqual([])
  })

  test('an output that was only touched is kept', async () => {
    const project = await projectOf(chain)
    const first = await project.run()
    await utimes(first.record.steps[1]?.outputs['out'] ?? '', new Date(), new Date())
    expect((await project.run()).ran).toEqual([])
  })

  test.each(['{', '[]', '{"outputs":{"out":7},"report":{},"seconds":1}'])(
    'a mark that says %s',
    async (mark) => {
      const project = await projectOf(chain)
      const first = await project.run()
      await project.write(`.cache/${first.record.steps[0]?.key ?? ''}/done.json`, mark)
      const { ran, why } = await project.run()
      expect(ran).toEqual(['a'])
      expect(why['a']).toBe('its mark done.json is not as it was')
    },
  )

  test('a damaged note of what was done last costs only the reason', async () => {
    const project = await projectOf(chain)
    await project.run()
    await project.write('.cache/last/b.json', '{"code":1')
    expect((await project.run()).ran).toEqual([])
    await project.write('b.ts', (chain['b.ts'] ?? '').replace(`'b'`, `'B'`))
    expect((await project.run()).why['b']).toBe('never ran')
  })
})

describe('a failed run', () => {
  const failing = {
    ...chain,
    'b.ts': stepOf(
      `inputs: ['before'], outputs: ['out']`,
      `log('about to fail'); throw new Error('no luck')`,
    ),
  }

  test('says which step failed and why, keeps its log, and leaves nothing half-written', async () => {
    const project = await projectOf(failing)
    await expect(project.run()).rejects.toMatchObject({
      code: 'step-failed',
      message: "Step 'b' failed: no luck",
    })
    const [run = ''] = await project.list('runs')
    const record = JSON.parse(await project.read(`runs/${run}/run.json`)) as Record<string, unknown>
    expect(record).toMatchObject({ status: 'failed', steps: [{ status: 'done' }, { status: 'failed' }] })
    expect(await project.read(`runs/${run}/b.log`)).toMatch(/^about to fail\nError: no luck\n {4}at .*b\.ts:/)
    expect(await project.list('.cache/tmp')).toEqual([])
    expect(await project.list('.cache/locks')).toEqual([])
  })

  test('goes on at the failed step', async () => {
    const project = await projectOf(failing)
    await expect(project.run()).rejects.toThrow()
    await project.write('b.ts', chain['b.ts'] ?? '')
    expect((await project.run()).ran).toEqual(['b', 'c'])
  })

  test('a step that leaves an output out is told so', async () => {
    const project = await projectOf({ ...chain, 'b.ts': stepOf(`inputs: ['before'], outputs: ['out']`, '') })
    await expect(project.run()).rejects.toThrow(
      "Step 'b' returned without its output 'out': it must write a file or folder at outputs.out",
    )
    expect(await project.list('.cache/tmp')).toEqual([])
  })
})

describe('steps with effects', () => {
  const effects = {
    ...chain,
    'c.ts': stepOf(
      `inputs: ['before'], outputs: ['out'], effect: true`,
      `fs.appendFileSync('effects.txt', 'x'); fs.writeFileSync(outputs.out, 'same')`,
    ),
  }

  test('run in every run', async () => {
    const project = await projectOf(effects)
    await project.run()
    const { ran, why } = await project.run()
    expect(ran).toEqual(['c'])
    expect(why['c']).toBe('always runs')
    expect(await project.read('effects.txt')).toBe('xx')
  })
})

describe('parts of a pipeline', () => {
  test('a named step runs with what it needs, and nothing after it', async () => {
    const project = await projectOf(chain)
    expect((await project.run({ steps: ['b'] })).ran).toEqual(['a', 'b'])
  })

  test('alone, it runs on what is up to date, or says what is not', async () => {
    const project = await projectOf(chain)
    await expect(project.run({ steps: ['b'], only: true })).rejects.toThrow(
      "Step 'b' cannot run alone: it needs 'a', which is not up to date.",
    )
    await project.run({ steps: ['a'] })
    const alone = await project.run({ steps: ['b'], only: true })
    expect(alone.record.steps.map(({ step }) => step)).toEqual(['b'])
  })

  test('forced, it runs although it is up to date', async () => {
    const project = await projectOf(chain)
    await project.run()
    const { ran, why } = await project.run({ force: ['b'] })
    expect(ran).toEqual(['b'])
    expect(why['b']).toBe('asked for')
  })

  test.each([
    [{ steps: ['x'] }, "has no step 'x'; there are a, b, c"],
    [{ profile: 'x' }, "has no profile 'x'; there are: none"],
    [{ params: { x: {} } }, "the given parameters: has no step 'x'; it has a, b, c"],
    [{ params: { a: { x: 1 } } }, "step 'a': has no parameter 'x'; it has tail"],
  ])('%j is refused, and nothing is run', async (options, message) => {
    const project = await projectOf(chain)
    await expect(project.run(options)).rejects.toMatchObject({
      code: 'misuse',
      message: expect.stringContaining(message) as string,
    })
    expect(await project.list('runs')).toEqual([])
  })

  test('show says what would run, and runs nothing', async () => {
    const project = await projectOf(chain)
    await project.run({ steps: ['b'] })
    await project.write('b.ts', (chain['b.ts'] ?? '').replace(`'b'`, `'B'`))
    const states = await inspectPipeline(await loadPipeline(`${project.folder}/pipeline.ts`))
    expect(states.map(({ name, state }) => [name, state ? state.why : 'waits'])).toEqual([
      ['a', undefined],
      ['b', 'its code changed'],
      ['c', 'waits'],
    ])
    expect(await project.list('runs')).toHaveLength(1)
  })
})

test('clean keeps what the pipeline and its profiles use, and what an interrupted step left', async () => {
  const project = await projectOf({
    ...chain,
    'pipeline.ts': (chain['pipeline.ts'] ?? '').replace(
      /,\s*\}\)$/,
      `, profiles: { loud: { b: { tail: '!' } } } })`,
    ),
    'c.ts': stepOf(
      `inputs: ['before'], outputs: ['out']`,
      `fs.writeFileSync(scratch + '/half', ''); throw new Error('x')`,
    ),
  })
  const steps = ['b']
  await project.run({ steps })
  await project.run({ steps, profile: 'loud' })
  await project.run({ steps, params: { b: { tail: 'old' } } })
  await expect(project.run()).rejects.toThrow()
  const [scratch = ''] = await project.list('.cache/scratch')
  const pipeline = await loadPipeline(`${project.folder}/pipeline.ts`)
  expect(await cleanCache(pipeline)).toBe(1)
  expect((await project.run({ steps })).ran).toEqual([])
  expect((await project.run({ steps, profile: 'loud' })).ran).toEqual([])
  expect(await project.list(`.cache/scratch/${scratch}`)).toEqual(['half'])
  expect(await cleanCache(pipeline, { all: true })).toBe(3)
  expect((await project.run({ steps })).ran).toEqual(['a', 'b'])
})

test('the record says what was run, from what, to where, and how much memory each step took', async () => {
  const project = await projectOf(chain)
  const { record } = await project.run({ params: { a: { tail: '!' } } })
  const stored: unknown = JSON.parse(await project.read(`runs/${record.run}/run.json`))
  expect(stored).toMatchObject({
    pipeline: 'test',
    status: 'done',
    selection: { params: { a: { tail: '!' } } },
    steps: [
      {
        step: 'a',
        params: { tail: '!' },
        inputs: { source: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      },
      { step: 'b' },
      { step: 'c' },
    ],
  })
  for (const { peakMemoryBytes = 0 } of record.steps) {
    expect(peakMemoryBytes).toBeGreaterThan(10e6)
    expect(peakMemoryBytes).toBeLessThan(400e6)
  }
})

describe('commands as steps', () => {
  const commands = (words: string, more = '') =>
    pipelineOf(
      `a: command(${words}, { inputs: { source: file('source.txt') }, outputs: ['out'], params: { n: 2 }, ${more} })`,
    )

  test('paths and parameters are filled in, without a shell', async () => {
    const script = `import { readFileSync, writeFileSync } from 'node:fs'
      const [, , from, to, n, rest] = process.argv
      console.log('copying')
      writeFileSync(to, readFileSync(from, 'utf8').repeat(Number(n)) + rest)`
    const words = `['node', 'copy.mjs', '{inputs.source}', '{outputs.out}', '{params.n}', '$HOME {x} ; echo']`
    const project = await projectOf({
      'pipeline.ts': commands(words, `code: ['copy.mjs']`),
      'source.txt': 's',
      'copy.mjs': script,
    })
    const run = await project.run()
    expect(await outputOf(project, run, 'a')).toBe('ss$HOME {x} ; echo')
    expect(run.events).toContainEqual({ kind: 'step-log', step: 'a', text: 'copying' })
    expect((await project.run()).ran).toEqual([])
    await project.write('copy.mjs', `${script}\n`)
    expect((await project.run()).why['a']).toBe('its code changed')
  })

  test.each([
    [
      `['node', '-e', 'console.error("bad disk"); process.exit(3)']`,
      /Step 'a' ended with exit code 3; its last lines:\n {2}bad disk/,
    ],
    [`['node', '-e', 'process.kill(process.pid, "SIGKILL")']`, /Step 'a' ended by SIGKILL/],
    [`['no-such-program']`, /Step 'a' ended before it began: spawn no-such-program ENOENT/],
  ])('%s has failed', async (words, message) => {
    const project = await projectOf({ 'pipeline.ts': commands(words), 'source.txt': 's' })
    await expect(project.run()).rejects.toThrow(message)
  })
})
