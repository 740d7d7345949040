/** `/ping`: contract rest-api §4.1 and scheduling §11. */
import { expect, test } from 'vitest'
import { memoryHttp } from '../../test/support/memory-http.js'
import { memoryServing, worker } from '../../test/support/memory-serving.js'

const failingSince = '2026-11-24T02:00:00.000Z'

test.each([
  ['no model', undefined, 200],
  ['a ready worker', [worker()], 200],
  ['a worker that loads for the first time', [worker({ status: 'UNLOADING', state: 'loading' })], 200],
  ['a worker that has failed for a while', [worker({ state: 'waiting', failingSince })], 200],
  [
    'a worker that has failed for too long',
    [worker({ state: 'waiting', failingSince, isGivenUp: true })],
    500,
  ],
  ['fewer workers than there should be', [], 500],
])('%s', async (_, workers, status) => {
  const serving = memoryServing()
  if (workers) serving.add('noop', '1.0', { minWorkers: 1, workers })
  const http = memoryHttp(serving)
  const text = `{\n  "status": "${status === 200 ? 'Healthy' : 'Unhealthy'}"\n}\n`
  expect(await http.send('inference', 'GET /ping')).toMatchObject({ status, text })
})

test('any method and deeper paths answer; only the default version counts', async () => {
  const serving = memoryServing()
  serving.add('noop', '1.0')
  serving.add('noop', '2.0', { workers: [] })
  const http = memoryHttp(serving)
  expect((await http.send('inference', 'DELETE /ping/a/b')).status).toBe(200)
  expect((await http.send('management', 'GET /ping')).status).toBe(404)
})
