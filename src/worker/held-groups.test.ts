/** Programs that hold groups of processes and end in every way: what is left of the groups, and of the shell that minds them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isRunning } from '../../test/support/children.js'

const folder = mkdtempSync(join(tmpdir(), 'marina-groups-'))
const bundle = join(folder, 'bundle.mjs')
const root = fileURLToPath(new URL('../..', import.meta.url))
beforeAll(async () => {
  const contents = `
    export * from './src/worker/held-groups.ts'
    export { childrenOf, commandLineOf } from './test/support/children.ts'`
  const stdin = { contents, resolveDir: root, loader: 'ts' } as const
  await build({ stdin, outfile: bundle, bundle: true, platform: 'node', format: 'esm' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sleepers: number[] = []
afterEach(() =>
  sleepers
    .splice(0)
    .filter(isRunning)
    .forEach((pid) => process.kill(pid, 'SIGKILL')),
)

/** Runs a program that knows `sleeper()`, which starts a group, and `shells()`; gives how it ended. */
async function run(words: string): Promise<number | string | null> {
  const program = `
    import { spawn } from 'node:child_process'
    import { holdGroup, releaseGroup, childrenOf, commandLineOf } from ${JSON.stringify(bundle)}
    const sleeper = () => {
      const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
      child.unref()
      console.log(child.pid)
      return child
    }
    const shells = () => childrenOf(process.pid).filter((pid) => commandLineOf(pid).startsWith('/bin/sh'))
    const untilGone = async (child) => {
      while (childrenOf(process.pid).includes(child)) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    ${words}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const printed = await text(child.stdout)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  sleepers.push(...printed.trim().split('\n').map(Number))
  return child.exitCode ?? child.signalCode
}

/** Which of the groups are left, in the order of their start. No event tells of the end of another's process. */
const left = () => expect.poll(() => sleepers.map(isRunning), { timeout: 30_000 })

const END = `process.kill(process.pid, 'SIGKILL')`

test('a program that is killed takes the groups along that it holds, and no others', async () => {
  const ended = await run(`
    const [released, held] = [sleeper(), sleeper()]
    holdGroup(released)
    holdGroup(held)
    releaseGroup(released)
    ${END}`)
  expect(ended).toBe('SIGKILL')
  await left().toEqual([true, false])
})

test('a shell that somebody has killed is replaced at the next change, and told of all groups', async () => {
  const ended = await run(`
    holdGroup(sleeper())
    const [shell] = shells()
    process.kill(shell, 'SIGKILL')
    await untilGone(shell)
    holdGroup(sleeper())
    ${END}`)
  expect(ended).toBe('SIGKILL')
  await left().toEqual([false, false])
})

test('a shell keeps no program alive, whose end takes its groups along', async () => {
  expect(await run(`holdGroup(sleeper())`)).toBe(0)
  await left().toEqual([false])
})

test('a shell goes with the last group', async () => {
  const ended = await run(`
    const group = sleeper()
    holdGroup(group)
    const [shell] = shells()
    if (!shell) process.exit(1)
    releaseGroup(group)
    await untilGone(shell)`)
  expect(ended).toBe(0)
  await left().toEqual([true])
})
