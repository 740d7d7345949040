/** Runs that are stopped, killed, or started twice: nothing half-written stays, no process is left, the next run goes on. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { untilGone } from '../../test/support/children.js'
import {
  chain,
  createProject,
  pipelineOf,
  root,
  stepOf,
  type TestProject,
} from '../../test/support/pipeline-project.js'

/** b writes half of its output, notes its process and that it began, and waits until the file `go` is there. */
const waiting = {
  ...chain,
  'b.ts': stepOf(
    `inputs: ['before'], outputs: ['out']`,
    `const resumed = fs.existsSync(scratch + '/half')
     fs.writeFileSync(outputs.out, resumed ? 'resumed' : 'half')
     fs.writeFileSync(scratch + '/half', '')
     fs.writeFileSync('began.new', String(process.pid))
     fs.renameSync('began.new', 'began')
     while (!fs.existsSync('go')) await sleep(5, undefined, { signal })`,
  ),
}

const projects: TestProject[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(projects.splice(0).map((project) => project.remove()))
})
async function projectOf(files: Readonly<Record<string, string>>): Promise<TestProject> {
  const project = await createProject(files)
  projects.push(project)
  return project
}

/** Resolves when a file of the project is there. */
async function appears({ folder }: TestProject, name: string): Promise<void> {
  const watcher = watch(folder)
  try {
    // Nothing may come between the look and the waiting: a change that nobody waits for is lost.
    while (!existsSync(join(folder, name))) await once(watcher, 'change')
  } finally {
    watcher.close()
  }
}

/** `marina pipeline run` in a process of its own. */
function runCommand({ folder }: TestProject, words: readonly string[] = ['run']) {
  const child = fork(join(root, 'bin/marina.js'), ['pipeline', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece) => (text += String(piece)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, text }))
  return { child, ended }
}

const left = async (project: TestProject) => ({
  tmp: await project.list('.cache/tmp'),
  locks: await project.list('.cache/locks'),
})

describe('a run that is stopped', () => {
  test('by an abort: rejects with its reason, ends the step, keeps what is done', async () => {
    const project = await projectOf(waiting)
    const stop = new AbortController()
    const run = project.run({ signal: stop.signal })
    const rejected = expect(run).rejects.toThrow('enough')
    await appears(project, 'began')
    stop.abort(new Error('enough'))
    await rejected
    await untilGone(Number(await project.read('began')))
    expect(await left(project)).toEqual({ tmp: [], locks: [] })
    const [name = ''] = await project.list('runs')
    const record: unknown = JSON.parse(await project.read(`runs/${name}/run.json`))
    expect(record).toMatchObject({ status: 'stopped', steps: [{ status: 'done' }, { status: 'stopped' }] })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s: exits with 1 and says how to go on; the next run goes on where it was',
    async (name) => {
      const project = await projectOf(waiting)
      const { child, ended } = runCommand(project)
      await appears(project, 'began')
      child.kill(name)
      const { code, text } = await ended
      expect(code).toBe(1)
      expect(text).toContain(`Stopped by ${name}. What is done is kept; run it again to go on.`)
      await untilGone(Number(await project.read('began')))
      expect(await left(project)).toEqual({ tmp: [], locks: [] })
      await project.write('go', '')
      const { ran, record } = await project.run()
      expect(ran).toEqual(['b', 'c'])
      // The step found what it had left in its scratch folder.
      const out = record.steps[2]?.outputs['out'] ?? ''
      expect(await project.read(out.slice(project.folder.length + 1))).toBe('resumedc')
      expect(await project.list('.cache/scratch')).toEqual([])
    },
  )

  test('by SIGKILL: its step ends with it; the next run goes on and clears what it left', async () => {
    const project = await projectOf(waiting)
    const { child, ended } = runCommand(project)
    await appears(project, 'began')
    child.kill('SIGKILL')
    await ended
    await untilGone(Number(await project.read('began')))
    const { tmp, locks } = await left(project)
    expect([tmp.length, locks.length]).toEqual([1, 1])
    await project.write('go', '')
    expect((await project.run()).ran).toEqual(['b', 'c'])
    expect(await left(project)).toEqual({ tmp: [], locks: [] })
  })

  test('while a command runs: whatever the command started ends, too', async () => {
    // A shell with a child of its own, whose number it notes.
    const words = `['sh', '-c', 'sleep 600 & echo $! > began.new && mv began.new began; wait; echo > {outputs.out}']`
    const project = await projectOf({
      'pipeline.ts': pipelineOf(`a: command(${words}, { outputs: ['out'] })`),
    })
    const { child, ended } = runCommand(project)
    await appears(project, 'began')
    child.kill('SIGKILL')
    await ended
    await untilGone(Number(await project.read('began')))
    expect(await project.list('.cache')).not.toContain('out')
  })

  test('while a step does not listen: it is ended all the same', async () => {
    const deaf = stepOf(
      `inputs: ['before'], outputs: ['out']`,
      `process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => undefined)
       fs.writeFileSync('began.new', String(process.pid)); fs.renameSync('began.new', 'began'); await sleep(600_000)`,
    )
    const project = await projectOf({ ...chain, 'b.ts': deaf })
    const stop = new AbortController()
    const rejected = expect(project.run({ signal: stop.signal })).rejects.toThrow('enough')
    await appears(project, 'began')
    stop.abort(new Error('enough'))
    await rejected
    await untilGone(Number(await project.read('began')))
  })
})

describe('resume', () => {
  test('goes on with the profile and parameters that the stopped run had', async () => {
    const project = await projectOf({
      ...waiting,
      'pipeline.ts': (chain['pipeline.ts'] ?? '').replace(
        /,\s*\}\)$/,
        `, profiles: { loud: { a: { tail: '!' } } } })`,
      ),
    })
    const { child, ended } = runCommand(project, ['run', 'b', '--profile', 'loud'])
    await appears(project, 'began')
    child.kill('SIGINT')
    await ended
    await project.write('go', '')
    const resumed = await runCommand(project, ['resume', '--json']).ended
    expect(resumed.code).toBe(0)
    const record: unknown = JSON.parse(resumed.text.split('\n').find((line) => line.startsWith('{')) ?? '')
    expect(record).toMatchObject({
      selection: { profile: 'loud', steps: ['b'] },
      steps: [
        { step: 'a', status: 'skipped', params: { tail: '!' } },
        { step: 'b', status: 'done' },
      ],
    })
    const again = await runCommand(project, ['resume']).ended
    expect(again).toMatchObject({ code: 0, text: expect.stringContaining('Nothing to go on with') as string })
  })

  test('without a run, or with a damaged record, it says so', async () => {
    const project = await projectOf(chain)
    const none = await runCommand(project, ['resume']).ended
    expect(none.code).toBe(1)
    expect(none.text).toMatch(
      /There is no run to go on with in .*: nothing was run yet\. Start one: marina pipeline run/,
    )
    await project.write('runs/2026/run.json', '{"status":')
    const damaged = await runCommand(project, ['resume']).ended
    expect(damaged.code).toBe(1)
    expect(damaged.text).toMatch(/runs\/2026\/run\.json cannot be read \(.*JSON.*\)\. Start one/)
  })
})

describe('two runs in one folder', () => {
  test('the second one is told who works there, and changes nothing', async () => {
    const project = await projectOf(waiting)
    const { ended, child } = runCommand(project)
    await appears(project, 'began')
    await expect(project.run()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(
        new RegExp(`^Another run works in ${project.folder} \\(process ${child.pid ?? 0}, since 20.*Z\\)\\.`),
      ) as string,
    })
    expect(await project.list('runs')).toHaveLength(1)
    await project.write('go', '')
    expect((await ended).code).toBe(0)
  })

  test('of several that start at once, each either works alone or is refused', async () => {
    const project = await projectOf({
      ...chain,
      'c.ts': stepOf(
        `inputs: ['before'], outputs: ['out'], effect: true`,
        `fs.mkdirSync('alone'); await sleep(50); fs.rmdirSync('alone'); fs.writeFileSync(outputs.out, '')`,
      ),
    })
    const runs = await Promise.allSettled(Array.from({ length: 4 }, () => project.run()))
    const failures = runs.flatMap((run) =>
      run.status === 'rejected' ? [run.reason as { code: string }] : [],
    )
    expect(failures.length).toBeLessThan(4)
    for (const { code } of failures) expect(code).toBe('conflict')
    expect(await left(project)).toEqual({ tmp: [], locks: [] })
  })
})
