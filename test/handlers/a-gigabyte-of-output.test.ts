/**
 * A handler that prints a gigabyte: it is answered, and its neighbour's requests are answered meanwhile. `npm test` prints
 * a tenth; `npm run gigabyte` prints all of it.
 */
import { afterAll, expect, test } from 'vitest'
import { ServerTests } from '../support/served.js'
import { BAD, GOOD } from './bad-handlers.js'
import { Neighbourhood, packPython, SteadyLoad } from './neighbours.js'

const tests = new ServerTests()
process.env['PRINTED_MB'] ??= '100'
afterAll(() => tests.close())

const MEGABYTES = process.env['PRINTED_MB']

test(`${MEGABYTES} MB of output stop nobody else, and are read to the end`, async () => {
  const neighbourhood = new Neighbourhood(tests)
  const models = [
    await packPython(tests, { name: 'good', source: GOOD }),
    await packPython(tests, { name: 'bad', source: BAD }),
  ]
  // What is printed is a record at info: at warn it is read, and not written.
  const quiet = ['--log-level', 'warn', '--response-timeout', '1200']
  const served = await neighbourhood.start([...models, '--workers', '1', ...quiet])
  const load = new SteadyLoad(neighbourhood, { model: 'good', prefix: 'good ' })
  const before = load.answered
  expect(await neighbourhood.ask('bad', 'print')).toBe('200 answer to print')
  expect(load.answered).toBeGreaterThan(before + 10)
  await load.stop()
  expect(load.wrong).toEqual([])
  expect(await neighbourhood.ask('bad', 'ok')).toBe('200 answer to ok')
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
}, 1_200_000)
