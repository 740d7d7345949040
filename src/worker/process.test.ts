/** Worker processes, started for real: how they come, how they die, and what the parent hears of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobOf, WAITS, WorkerProgram } from '../../test/support/real-worker.js'
import { moveWorker, startWorker, type WorkerEffect, type WorkerState } from './lifecycle.js'
import { createWorkerFactory } from './process.js'
import type { WorkerEvent } from './worker.js'

let program: WorkerProgram
beforeAll(async () => {
  program = await WorkerProgram.bundle()
})
afterAll(() => program.close())

describe('a worker', () => {
  test('is spawned, loads, answers and ends, and says so in this order', async () => {
    const worker = program.start()
    expect((await worker.message('loaded')).credit).toBe(8)
    worker.send([jobOf(1, 'hello')], true)
    expect(await worker.answer(1)).toBe('200 hello')
    worker.stop()
    expect(await worker.exit()).toEqual({ message: 'exited with code 0', code: 0, stderr: [] })
    const kinds = worker.events.map((event) => (event.kind === 'message' ? event.message.kind : event.kind))
    // A quick batch is followed by more credit.
    expect(kinds.filter((kind) => kind !== 'credit')).toEqual(['spawned', 'loaded', 'result', 'exited'])
  })

  test('runs in the folder of its model, under its own process id', async () => {
    const source = `
      export default { inference: (jobs) => jobs.map(() => [process.cwd(), String(process.pid)].join(' ')) }`
    const worker = program.start({ source })
    await worker.message('loaded')
    worker.send([jobOf(1)])
    expect(await worker.answer(1)).toBe(`200 ${worker.modelDir} ${await worker.pid()}`)
  })

  test('can be written in Python', async () => {
    const peer = fileURLToPath(new URL('../../test/protocol/peer.py', import.meta.url))
    const worker = program.start({ command: { command: 'python3', args: [peer], env: process.env } })
    await worker.message('loaded')
    worker.send([jobOf(1, 'stream'), jobOf(2, 'slow')])
    expect(await worker.answer(1)).toBe('200 ')
    expect(worker.messages.map(({ kind }) => kind)).toEqual([
      'log',
      'loaded',
      'started',
      'chunk',
      'chunk',
      'result',
    ])
    worker.stop()
    expect(await worker.exit()).toMatchObject({ code: 0 })
    expect(worker.messages.at(-1)).toEqual({ kind: 'cancelled', keys: [2] })
  })

  test('says each line that it prints to the log', async () => {
    const source = `console.log('one\\ntwo'); console.error('three'); process.stdout.write('no end')
      export default { inference: (jobs) => jobs }`
    const worker = program.start({ source })
    await worker.message('loaded')
    worker.stop()
    const { stderr } = await worker.exit()
    expect(worker.logs.sort()).toEqual(['info - no end', 'info - one', 'info - two', 'warn - three'])
    expect(stderr).toEqual(['three'])
  })
})

describe('a worker that cannot be started', () => {
  test.each([
    ['a program that is not there', { command: '/no/such/program', args: [] }],
    ['an argument that no program can have', { command: process.execPath, args: ['\0'] }],
  ])('because of %s is reported as gone, not thrown', async (_, command) => {
    const worker = program.start({ command: { ...command, env: process.env } })
    expect((await worker.exit()).message).toMatch(/^could not be started: ./)
    expect(worker.events.map(({ kind }) => kind)).toEqual(['exited'])
  })

  test('because its command cannot be made is reported after the factory has returned', async () => {
    const events: WorkerEvent[] = []
    const commandOf = () => {
      throw new Error('no runtime for this')
    }
    const load = {
      model: 'm',
      version: '1',
      modelDir: '/',
      handler: 'x',
      batchSize: 1,
      threads: 1,
      device: 'cpu',
      retryItems: false,
    }
    const worker = createWorkerFactory({ commandOf })({ slot: 9000, runtime: 'node', load }, (event) =>
      events.push(event),
    )
    worker.kill()
    expect(events).toEqual([])
    await Promise.resolve()
    expect(events).toEqual([
      { kind: 'exited', exit: { message: 'could not be started: no runtime for this', stderr: [] } },
    ])
  })
})

describe('stop', () => {
  test('lets a worker finish what it has started and hand back the rest', async () => {
    const source = `${WAITS}
      export default { async inference(jobs) { await opened(); return jobs.map((job) => job.id) } }`
    const worker = program.start({ source, load: { batchSize: 2 } })
    await worker.message('loaded')
    worker.send([jobOf(1), jobOf(2), jobOf(3), jobOf(4)])
    await worker.message('started')
    worker.stop()
    await worker.message('cancelled')
    worker.open()
    expect(await worker.exit()).toMatchObject({ code: 0 })
    expect(
      worker.messages.map((message) =>
        'keys' in message ? `${message.kind} ${message.keys.join()}` : message.kind,
      ),
    ).toEqual(['loaded', 'started 1,2', 'cancelled 3,4', 'result', 'result'])
  })

  test('runs dispose after the last job, and ends well even if that throws', async () => {
    const source = `${WAITS}
      export default { initialize: () => ({ jobs: 0 }),
      async inference(jobs, state) { await opened(); state.jobs += jobs.length; return jobs.map(() => 'done') },
      dispose({ jobs }) { console.log('disposed after ' + jobs); throw new Error('cannot let go') } }`
    const worker = program.start({ source, load: { batchSize: 1 } })
    await worker.message('loaded')
    worker.send([jobOf(1), jobOf(2)])
    await worker.message('started')
    worker.stop()
    await worker.message('cancelled')
    worker.open()
    expect(await worker.exit()).toMatchObject({ code: 0 })
    expect(await worker.answer(1)).toBe('200 done')
    expect(worker.logs).toContain('info - disposed after 1')
    expect(worker.logs.join('\n')).toContain('cannot let go')
    expect(worker.messages).toContainEqual({ kind: 'cancelled', keys: [2] })
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'is the only way: %s is left to the server',
    async (signal) => {
      const worker = program.start()
      await worker.message('loaded')
      process.kill(await worker.pid(), signal)
      worker.send([jobOf(1, 'still here')])
      expect(await worker.answer(1)).toBe('200 still here')
    },
  )

  test('a worker that does not stop can still be killed', async () => {
    const worker = program.start({ source: 'export default { inference: () => { for (;;); } }' })
    await worker.message('loaded')
    worker.send([jobOf(1)])
    await worker.message('started')
    worker.stop()
    worker.worker.kill()
    expect(await worker.exit()).toMatchObject({ signal: 'SIGKILL' })
  })
})

test('a start that takes too long is ended by the life cycle and backs off', async () => {
  const options = { startupTimeoutMs: 300 }
  const started = performance.now()
  const worker = program.start({ source: 'await new Promise(() => setInterval(() => {}, 1000))' })
  let state: WorkerState = startWorker(started, options).state
  const apply = (move: { state: WorkerState; effects: readonly WorkerEffect[] }) => {
    state = move.state
    if (move.effects.some(({ kind }) => kind === 'kill')) worker.worker.kill()
  }
  const spawned = await worker.until(() => worker.events.find((event) => event.kind === 'spawned'))
  apply(moveWorker(state, spawned, { ...options, nowMs: started }))
  apply(moveWorker(state, { kind: 'tick' }, { ...options, nowMs: started + 299 }))
  expect(worker.events.map(({ kind }) => kind)).toEqual(['spawned'])
  apply(moveWorker(state, { kind: 'tick' }, { ...options, nowMs: started + 300 }))
  const { message } = await worker.exit()
  expect(message).toBe('killed by SIGKILL')
  apply(moveWorker(state, { kind: 'exited', cause: message }, { ...options, nowMs: started + 310 }))
  expect(state).toMatchObject({
    kind: 'waiting',
    untilMs: started + 1310,
    failed: { count: 1, cause: message },
  })
})

test('a worker ends when its server is killed', async () => {
  // The server is a child that starts one worker and dies. The worker holds its output open: that ends with it.
  const [entry = ''] = program.command.args
  const script = `import { spawn } from 'node:child_process'
    const worker = spawn(process.execPath, [${JSON.stringify(entry)}], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
    worker.stdio[3].once('data', () => process.kill(process.pid, 'SIGKILL'))`
  const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [, signal] = (await once(server, 'close')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
})
