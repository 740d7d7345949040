/** Real processes that are started before it is known what they will load. Which they are is seen in /proc. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { childrenOf, folderOf } from '../../test/support/children.js'
import { WorkerProgram } from '../../test/support/real-worker.js'
import { createWorkerFactory, type WorkerProcess } from './process.js'
import { Standby } from './standby.js'
import type { Worker, WorkerEvent, WorkerFactory } from './worker.js'

let program: WorkerProgram
beforeAll(async () => {
  program = await WorkerProgram.bundle()
})
afterAll(() => program.close())

const folders: string[] = []
const workers: Worker[] = []
let standby: Standby<WorkerProcess>
let factory: WorkerFactory
beforeEach(() => {
  standby = new Standby()
  const commandOf = ({ load }: { load: { threads: number } }) => ({
    ...program.command,
    env: { ...process.env, OMP_NUM_THREADS: String(load.threads) },
  })
  factory = createWorkerFactory({ commandOf, standby })
})
afterEach(() => {
  standby.close()
  for (const worker of workers.splice(0)) worker.kill()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const emptyFolder = () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'marina-standby-')))
  folders.push(folder)
  return folder
}
const fill = (folder: string) =>
  writeFileSync(join(folder, 'handler.mjs'), 'export default { inference: (rows) => rows.map(() => "fine") }')

/** Starts a worker; resolves with its pid when its handler is loaded. */
function start(modelDir: string, threads = 1): Promise<number> {
  let pid = -1
  return new Promise((resolve, reject) => {
    const onEvent = (event: WorkerEvent) => {
      if (event.kind === 'spawned') pid = event.pid
      else if (event.kind === 'exited') reject(new Error(event.exit.message))
      else if (event.message.kind === 'loaded') resolve(pid)
    }
    const load = {
      ...{
        model: 'm',
        version: '1.0',
        handler: 'handler.mjs',
        batchSize: 1,
        device: 'cpu',
        retryItems: true,
      },
      ...{ modelDir, threads },
    }
    workers.push(factory({ slot: 9000, runtime: 'node', load }, onEvent))
  })
}

/** The process that waits in a folder. */
async function waitingIn(folder: string): Promise<number> {
  const find = () => childrenOf(process.pid).find((pid) => folderOf(pid) === folder)
  await expect.poll(find, { timeout: 30_000 }).toBeDefined()
  return find() ?? -1
}

/** One worker is up, and a process waits in another folder. */
async function prepared(): Promise<{ next: string; waiting: number }> {
  const first = emptyFolder()
  fill(first)
  await start(first)
  const next = emptyFolder()
  standby.prepare(next)
  return { next, waiting: await waitingIn(next) }
}

describe.skipIf(process.platform !== 'linux')('a process that waits', () => {
  test('is what the next start in its folder gets, and it loads what has come there since', async () => {
    const { next, waiting } = await prepared()
    fill(next)
    expect(await start(next)).toBe(waiting)
  })

  test('is for its folder and its command only', async () => {
    const { next, waiting } = await prepared()
    const other = emptyFolder()
    fill(other)
    fill(next)
    expect(await start(other)).not.toBe(waiting)
    expect(await start(next, 2), 'two threads are another environment').not.toBe(waiting)
    expect(await start(next)).toBe(waiting)
  })

  test('that has died is not given', async () => {
    const { next, waiting } = await prepared()
    fill(next)
    process.kill(waiting, 'SIGKILL')
    await expect.poll(() => childrenOf(process.pid), { timeout: 30_000 }).not.toContain(waiting)
    await expect.poll(() => start(next), { timeout: 30_000 }).not.toBe(waiting)
  })

  test('ends when it is not needed any more', async () => {
    const { waiting } = await prepared()
    standby.close()
    await expect.poll(() => childrenOf(process.pid), { timeout: 30_000 }).not.toContain(waiting)
  })
})

test('before the first start there is nothing that could be prepared', async () => {
  const folder = emptyFolder()
  standby.prepare(folder)
  fill(folder)
  expect(await start(folder)).toBeGreaterThan(0)
})
