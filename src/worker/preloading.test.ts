/** Workers that a preloaded parent forks, for real: they live and end as other workers do, and share what it has loaded. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilGone } from '../../test/support/children.js'
import { jobOf, TestWorker } from '../../test/support/real-worker.js'
import { createWorkerFactory } from './process.js'
import { pythonWorkerCommand } from './python-command.js'
import type { WorkerFactory, WorkerSpec } from './worker.js'

/** Says who loaded it, who runs it, what it was given, and obeys a few words. */
const HANDLER = `
import os, sys, time
print("loading")
with open("loads", "a") as file: file.write("x")
LOADED_BY = os.getpid()
def handle(data, context):
    if data is None: return
    word = bytes(data[0]["body"]).decode()
    if word == "exit": sys.exit(7)
    if word == "parent": return [str(os.getppid())]
    if word == "threads": return [os.environ["OMP_NUM_THREADS"]]
    if word == "print":
        print("said by", os.getpid())
        sys.stderr.write("written by %d\\n" % os.getpid())
    return ["%d %d" % (LOADED_BY, os.getpid())]
`

let folder: string
let factory: WorkerFactory
let started: TestWorker[]
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'marina-parent-')))
  mkdirSync(join(folder, 'MAR-INF'))
  const model = { modelName: 'm', modelVersion: '1.0', handler: 'handler.py' }
  writeFileSync(join(folder, 'MAR-INF/MANIFEST.json'), JSON.stringify({ runtime: 'python', model }))
  const { OMP_NUM_THREADS: _, ...environment } = process.env
  const options = { executable: 'python3', environment, decodeInput: true, allowPickles: false }
  factory = createWorkerFactory({ commandOf: (spec) => pythonWorkerCommand(spec, options) })
  started = []
})
afterEach(async () => {
  await Promise.all(started.map((worker) => worker.end()))
  rmSync(folder, { recursive: true, force: true })
})

function start(source = HANDLER, load: Partial<WorkerSpec['load']> = {}): TestWorker {
  writeFileSync(join(folder, 'handler.py'), source)
  const defaults = { model: 'm', version: '1.0', modelDir: folder, handler: 'handler.py', device: 'cpu' }
  const all = { ...defaults, batchSize: 4, threads: 3, retryItems: true, ...load }
  const worker = new TestWorker({ slot: 9000, runtime: 'python', preload: true, load: all }, factory)
  started.push(worker)
  return worker
}

async function ready(): Promise<TestWorker> {
  const worker = start()
  await worker.message('loaded')
  return worker
}

let lastKey = 0
async function ask(worker: TestWorker, word: string): Promise<string> {
  const key = ++lastKey
  worker.send([jobOf(key, word)], true)
  return (await worker.answer(key)).replace(/^200 /, '')
}

describe('workers of a preloaded parent', () => {
  test('answer from what it has loaded once, each in a process of its own', async () => {
    const [first, second] = await Promise.all([ready(), ready()])
    const [a = '', b = ''] = [await ask(first, 'who'), await ask(second, 'who')].map((text) =>
      text.split(' '),
    )
    expect(a[0]).toBe(b[0])
    expect(a[1]).not.toBe(b[1])
    expect(Number(a[1])).toBe(await first.pid())
    expect(readFileSync(join(folder, 'loads'), 'utf8')).toBe('x')
  })

  test('have the threads of the plan, which the parent has not', async () => {
    expect(await ask(await ready(), 'threads')).toBe('3')
  })

  test('print for themselves, and the parent’s lines are those of the first', async () => {
    const [first] = [await ready(), await ready()]
    const pid = await first.pid()
    await ask(first, 'print')
    for (const said of [`warn - written by ${pid}`, `info - said by ${pid}`, 'info - loading'])
      await first.until(() => first.logs.find((line) => line === said))
  })

  test('say hello first, and then the metrics that their handler emitted while it was loaded', async () => {
    const counts = HANDLER.replace('return\n', 'return context.metrics.add_counter("Loads", 1)\n')
    const worker = start(counts)
    expect(await worker.message('metric')).toMatchObject({ name: 'Loads', type: 'counter', value: 1 })
    expect(await ask(worker, 'who')).toContain(String(await worker.pid()))
  })

  test.each([
    ['comes back', 'pass'],
    ['raises', 'raise ValueError("not the model’s")'],
  ])('are the parent’s, not those of a copy that its handler made, which %s', async (_, ends) => {
    const copies = `${HANDLER}\ncopy = os.fork()\nif copy: os.waitpid(copy, 0)\nelse: ${ends}\n`
    const worker = start(copies)
    await worker.message('loaded')
    const [loadedBy] = (await ask(worker, 'who')).split(' ')
    expect(await ask(worker, 'parent')).toBe(loadedBy)
    // It dies with a wish unheard, so what the server holds against it counts: nothing.
    process.kill(Number(loadedBy), 'SIGSTOP')
    const next = start(copies)
    process.kill(Number(loadedBy), 'SIGKILL')
    await next.message('loaded')
  })

  test('end with their own exit code, by their own signal, and when they are told to stop', async () => {
    const [exits, killed, stopped] = await Promise.all([ready(), ready(), ready()])
    exits.send([jobOf(++lastKey, 'exit')], true)
    expect(await exits.exit()).toMatchObject({ message: 'exited with code 7', code: 7 })
    process.kill(await killed.pid(), 'SIGKILL')
    expect(await killed.exit()).toMatchObject({ message: 'killed by SIGKILL', signal: 'SIGKILL' })
    stopped.stop()
    expect(await stopped.exit()).toMatchObject({ message: 'exited with code 0', code: 0 })
  })

  test('go on when their parent is killed, and the next one has a parent of its own', async () => {
    const first = await ready()
    const parent = Number(await ask(first, 'parent'))
    process.kill(parent, 'SIGKILL')
    await untilGone(parent)
    expect(await ask(first, 'who')).toBe(`${parent} ${await first.pid()}`)
    const second = await ready()
    expect((await ask(second, 'who')).split(' ')[0]).not.toBe(String(parent))
    process.kill(await first.pid(), 'SIGKILL')
    expect((await first.exit()).message).toContain('nobody knows how')
  })

  test('leave no parent behind', async () => {
    const worker = await ready()
    const parent = Number(await ask(worker, 'parent'))
    worker.stop()
    await worker.exit()
    await untilGone(parent)
  })
})

describe('a handler that cannot be preloaded', () => {
  test('because it raises, is reported as in any worker', async () => {
    const worker = start('raise ValueError("no such thing")')
    expect(await worker.message('load-failed')).toMatchObject({
      message: 'ValueError: no such thing',
      trace: expect.stringContaining('handler.py", line 1') as unknown,
    })
    expect(await worker.exit()).toMatchObject({ code: 1 })
  })

  test('because it exits, ends with that code', async () => {
    expect((await start('import sys\nsys.exit(5)').exit()).message).toBe('its parent exited with code 5')
  })

  test('because it starts threads while it loads, runs in workers that start alone, and the log says why', async () => {
    const threaded = `
import threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
${HANDLER}`
    const worker = start(threaded)
    await worker.message('loaded')
    expect(worker.logs.join()).toContain('warn - The handler cannot be preloaded: it runs 2 threads')
    expect(await ask(worker, 'who')).toBe(`${await worker.pid()} ${await worker.pid()}`)
  })

  test('because it hangs, is given up with its parent', async () => {
    const worker = start('import os, time\nprint("pid", os.getpid())\ntime.sleep(1000)')
    const line = await worker.until(() => worker.logs.find((text) => text.startsWith('info - pid')))
    worker.worker.kill()
    expect((await worker.exit()).message).toBe('killed by SIGKILL')
    await untilGone(Number(line.split(' ')[3]))
  })
})
