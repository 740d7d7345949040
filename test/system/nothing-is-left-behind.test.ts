/** Whichever way a server or a worker ends, no process stays of those that it or its handlers have started. */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isRunning, parentOf, untilGone } from '../support/children.js'
import { predict } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

const NODE = `import { spawn } from 'node:child_process'
export default {
  initialize: () => void console.log('grandchild ' + spawn('sleep', ['600'], { stdio: 'inherit' }).pid),
  inference(rows, state, jobs) {
    if (new TextDecoder().decode(jobs[0].input.parts[0].data) === 'block') {
      console.log('blocked')
      for (;;);
    }
    return jobs.map(() => 'alive')
  },
}`

// One copy of itself, which sleeps with the worker's own connection in its hand, and one program.
const PYTHON = `
import os, re, subprocess, time

def handle(data, context):
    if data is None:
        copy = os.fork()
        if copy == 0:
            time.sleep(600)
            os._exit(0)
        print("grandchild", copy, flush=True)
        print("grandchild", subprocess.Popen(["sleep", "600"]).pid, flush=True)
        return None
    if data[0]["body"] == "block":
        print("blocked", flush=True)
        re.match("(a+)+$", "a" * 64 + "b")  # Holds Python's lock for longer than anybody waits.
    return ["alive"] * len(data)
`

/** A server with a model of either language, and the processes that their workers' handlers have started. */
async function serve(...more: string[]) {
  const python = tests.pythonModel('snake', PYTHON)
  const models = [tests.model('node', { 'handler.js': NODE }), python, ...more]
  // The folder of a preloaded parent stays where a server is killed.
  const served = await tests.serve(models, { env: { TMPDIR: tests.folder } })
  const grandchildren = await untilSaid(served, { known: 0, count: 3 + 2 * more.length })
  const names = ['node', 'snake', ...more.map((folder) => basename(folder))]
  return { served, names, grandchildren, workers: await workersOf(served, names) }
}

/** Those of this start: log lines may come after the line that says ready. */
async function untilSaid(served: Served, { known, count }: { known: number; count: number }) {
  // With what comes after a number, which is whole then.
  const said = () => [...served.stderr.matchAll(/grandchild (\d+)\D/g)].slice(known)
  while (said().length < count) await moment()
  return said().map(([, pid]) => Number(pid))
}

const workersOf = async (served: Served, models: readonly string[]): Promise<number[]> => {
  const versions = await Promise.all(models.map((model) => served.describe(model)))
  return versions.flatMap(({ workers }) => workers.map(({ pid }) => pid))
}

/** The text of the answer; 'none' when the connection ends without one. */
const ask = (served: Served, model: string, body: string): Promise<string> =>
  predict(served, model, body).then(
    ({ text }) => text,
    () => 'none',
  )

const moment = () => new Promise((resolve) => setTimeout(resolve, 10))

const generations = () => readdirSync(join(tests.folder, 'cache/marina/generations'))

test('a SIGTERM ends workers and what their handlers have started', async () => {
  const { served, grandchildren, workers } = await serve()
  expect([...grandchildren, ...workers].every(isRunning)).toBe(true)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  await untilGone(...grandchildren, ...workers)
  expect(generations()).toEqual([])
})

test('so does a second Ctrl-C, which waits for nothing', async () => {
  const { served, grandchildren, workers } = await serve()
  const answer = ask(served, 'node', 'block')
  await served.until(/blocked/)
  served.child.kill('SIGINT')
  await served.until(/SIGINT: answering what has arrived/)
  served.child.kill('SIGINT')
  expect(await served.exited).toBe(1)
  expect(await answer).toBe('none')
  await untilGone(...grandchildren, ...workers)
  expect(generations()).toEqual([])
})

test('so does a kill -9 of the server: the workers see the end of their connection', async () => {
  const { served, grandchildren, workers } = await serve()
  served.child.kill('SIGKILL')
  await served.exited
  await untilGone(...grandchildren, ...workers)
})

test('even while their handlers block them, and one of them is a fork of a preloaded parent', async () => {
  const fork = tests.pythonModel('fork', PYTHON, { configFile: 'model-config.yaml' })
  writeFileSync(join(fork, 'model-config.yaml'), 'preloadWorkers: true\n')
  const { served, names, grandchildren, workers } = await serve(fork)
  const parent = parentOf(workers.at(-1) ?? -1)
  expect(parent).not.toBe(served.pid)
  const answers = names.map((model) => ask(served, model, 'block'))
  await served.until(/(blocked[^]*){3}/)
  served.child.kill('SIGKILL')
  expect(await Promise.all(answers)).toEqual(['none', 'none', 'none'])
  await untilGone(...grandchildren, ...workers, parent)
})

test('a worker that is killed or scaled away takes what its handler has started with it, and nobody else’s', async () => {
  const { served, grandchildren, workers } = await serve()
  for (const pid of workers) process.kill(pid, 'SIGKILL')
  await untilGone(...grandchildren)
  const next = await untilSaid(served, { known: 3, count: 3 })
  for (const model of ['node', 'snake'])
    await served.untilDescribed(model, (version) => version.workers.every(({ status }) => status === 'READY'))
  expect(next.every(isRunning)).toBe(true)
  await fetch(`${served.management}/models/snake?min_worker=0&max_worker=0&synchronous=true`, {
    method: 'PUT',
  })
  while (next.filter(isRunning).length > 1) await moment()
  expect(await ask(served, 'node', 'x')).toBe('alive')
  expect(next.filter(isRunning)).toHaveLength(1)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  await untilGone(...next)
})
