/** What `marina dev` does after a load, where it fails. */
import { expect, test, vi } from 'vitest'
import { memoryServing, worker, type VersionFacts } from '../../../test/support/memory-serving.js'
import { memoryLogger, type LogRecord } from '../../log.js'
import { Project } from './project.js'

/** A project that has loaded as version 1.0 of m, with the debugger asked for; `facts` undefined: it is gone by then. */
async function loaded(facts: VersionFacts | undefined, prepare = () => Promise.resolve()) {
  const serving = memoryServing()
  if (facts) serving.add('m', '1.0', facts)
  const records: LogRecord[] = []
  const prepared = vi.fn(prepare)
  const failed = vi.fn()
  const project = new Project('/m', {
    catalog: {
      ...serving.catalog,
      register: () => Promise.resolve({ name: 'm', version: '1.0', workers: 1, ready: Promise.resolve() }),
    },
    report: { loaded: () => undefined, failed },
    next: { prepare: prepared },
    log: memoryLogger(records),
    inspect: true,
  })
  await project.load('')
  await vi.waitFor(() => expect(prepared).toHaveBeenCalledOnce(), 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(failed).not.toHaveBeenCalled()
  return records.map(({ level, message }) => [level, message])
}

test('a worker that is gone before its debugger is opened costs a warning, and the next one is made ready', async () => {
  // Linux gives no process so high a number.
  expect(await loaded({ workers: [worker({ pid: 2 ** 30 })] })).toEqual([
    ['warn', expect.stringMatching(/^The debugger of the worker was not opened: .*ESRCH/)],
  ])
})

test('a model that was unregistered meanwhile costs a warning', async () => {
  expect(await loaded(undefined)).toEqual([
    ['warn', expect.stringMatching(/^The debugger of the worker was not opened: .*\bm\b/)],
  ])
})

test('a next generation that cannot be made ready costs a warning', async () => {
  const prepare = () => Promise.reject(new Error('no space left'))
  expect(await loaded({ workers: [] }, prepare)).toEqual([
    ['warn', 'No worker waits for the next change, so its load takes longer: no space left'],
  ])
})
