/** `marina demo --quick` from nothing: stopped on the way, gone on with, run again, damaged, served, checked. On real MNIST. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyDemo, type DemoCopy } from '../support/demo-copy.js'

let copy: DemoCopy
beforeAll(async () => {
  copy = await copyDemo()
})
afterAll(async () => {
  for (const pid of await copy.processes()) process.kill(pid, 'SIGKILL')
  await copy.remove()
})

interface Result {
  readonly accuracy: number
  readonly version: string
  readonly url: string
  readonly report: string
}
/** The one line on stdout. */
function resultOf({ stdout, stderr, code }: { stdout: string; stderr: string; code: number | null }): Result {
  expect(code, stderr).toBe(0)
  expect(stdout.trim().split('\n')).toHaveLength(1)
  return JSON.parse(stdout) as Result
}
/** Names of the steps whose line says what `state` matches. */
const stepsThat = (text: string, state: RegExp): string[] =>
  [...text.matchAll(/^ *\d\/9 (\w+) +(.*)$/gm)].flatMap(([, step = '', rest = '']) =>
    state.test(rest) ? [step] : [],
  )
const unchanged = (text: string) => stepsThat(text, /^unchanged/)
const once = () => copy.demo('--quick', '--once', '--json', '--port', '0')

test('a port in use is named with its cure, and nothing is left running', async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as AddressInfo
  const { code, stderr } = await copy.demo('--quick', '--once', '--port', String(port)).ended
  holder.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`127.0.0.1:${port}`)
  expect(stderr).toContain(
    `Choose other ports with --port N (it takes N, N + 1 and N + 2; now ${port} to ${port + 2}).`,
  )
  expect(await copy.processes()).toEqual([])
})

test('--check without a server says so, and how to start one', async () => {
  const { code, stdout, stderr } = await copy.demo('--check', '--json', '--port', '9').ended
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    /^error: No server answers at http:\/\/127\.0\.0\.1:9 \(.+\)\. Start one in another terminal: marina demo --port 9\n$/,
  )
})

test('stopped before the server listens, it leaves no process', async () => {
  const run = once()
  await run.says('Marina demo')
  run.child.kill('SIGINT')
  const { code, stderr } = await run.ended
  expect(code).toBe(1)
  expect(stderr).toContain('Stopped by SIGINT. What is done is kept; run it again to go on.')
  expect(await copy.processes()).toEqual([])
})

/** The stop came after the last step: on a machine that was busy with something else just then. */
let hasTrained = false

test('stopped while it trains, it leaves no process and nothing half-written', async () => {
  const run = once()
  // Beyond the checkpoint of step 50 of 70; which shares are printed depends on how fast it is.
  await run.says(/3\/9 train +(7[2-9]|[89]\d) %/)
  run.child.kill('SIGINT')
  const { code, stderr } = await run.ended
  expect(code).toBe(1)
  expect(stderr).toContain('Stopped by SIGINT')
  hasTrained = stepsThat(stderr, /^[\d.]+ s\b/).includes('train')
  expect(await copy.processes()).toEqual([])
})

test('run again, it goes on with the training where it was, and is right in at least 96 %', async () => {
  const run = await once().ended
  const { accuracy, version, report } = resultOf(run)
  expect(unchanged(run.stderr)).toEqual(['data', 'validate', ...(hasTrained ? ['train'] : [])])
  // From the checkpoint on: nothing is said of the steps before it.
  expect(run.stderr).not.toMatch(/train +[1-6]?\d %/)
  expect(accuracy).toBeGreaterThanOrEqual(0.96)
  expect(version).toBe('1.0')
  expect(await readFile(report, 'utf8')).toMatch(/^<!doctype html>/i)
  expect(await copy.processes()).toEqual([])
})

test('a second run skips every unchanged step, and makes no new version', async () => {
  const run = await once().ended
  expect(resultOf(run).version).toBe('1.0')
  expect(unchanged(run.stderr)).toEqual(['data', 'validate', 'train', 'embed', 'index', 'analyse'])
})

test('when an output is deleted, only what depends on it is made again', async () => {
  const runs = join(copy.folder, 'examples/mnist/runs')
  const [last = ''] = (await readdir(runs)).sort().slice(-1)
  const record = JSON.parse(await readFile(join(runs, last, 'run.json'), 'utf8')) as {
    steps: { step: string; outputs: Record<string, string> }[]
  }
  await rm(record.steps.find(({ step }) => step === 'index')?.outputs['index'] ?? '', { recursive: true })
  const run = await once().ended
  resultOf(run)
  // It came out the same, so that what reads it need not run either.
  expect(unchanged(run.stderr)).toEqual(['data', 'validate', 'train', 'embed', 'analyse'])
  expect(run.stderr).toMatch(/index .*\(its output index is not as it was\)/)
})

test('it serves until it is stopped; --check asks it for all test images', async () => {
  const run = copy.demo('--quick', '--json', '--port', '0')
  await run.says('Serving until Ctrl-C.')
  const [, port = ''] = /http:\/\/127\.0\.0\.1:(\d+)\/predictions/.exec(run.said()) ?? []
  const check = await copy.demo('--check', '--json', '--port', port).ended
  expect(check.code, check.stderr).toBe(0)
  const { images, correct, accuracy } = JSON.parse(check.stdout) as Record<string, number>
  expect(images).toBe(10_000)
  expect(accuracy).toBe((correct ?? 0) / 10_000)
  expect(accuracy).toBeGreaterThanOrEqual(0.96)
  run.child.kill('SIGINT')
  expect((await run.ended).code).toBe(0)
  expect(await copy.processes()).toEqual([])
})
