/** `model_snapshot`, read and written. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { modelSnapshot, printSnapshot, type Snapshot } from './snapshot.js'

const handWritten =
  '{"name":"startup.cfg","modelCount":1,"models":{"mnist":{"1.0":{"defaultVersion":true,"marName":"mnist.mar",' +
  '"minWorkers":1,"maxWorkers":5,"batchSize":1,"maxBatchDelay":200}}}}'

const read = (text: string) => {
  const result = modelSnapshot.parse(text)
  return 'value' in result ? result.value : result.mustBe
}

test('a hand-written snapshot gets the times and the runtime that TorchServe gives it', () => {
  expect(read(handWritten)).toEqual({
    name: 'startup.cfg',
    createdMs: undefined,
    models: new Map([
      [
        'mnist',
        new Map([
          [
            '1.0',
            {
              defaultVersion: true,
              marName: 'mnist.mar',
              minWorkers: 1,
              maxWorkers: 5,
              batchSize: 1,
              maxBatchDelayMs: 200,
              responseTimeoutMs: 120_000,
              startupTimeoutMs: 120_000,
              runtime: 'python',
            },
          ],
        ]),
      ],
    ]),
  })
})

test.each([
  ['{', 'a JSON object'],
  ['[]', 'a JSON object'],
  [handWritten.replace('"batchSize":1,', ''), 'batchSize of mnist 1.0 must be a number'],
  [handWritten.replace('"mnist.mar"', '7'), 'marName of mnist 1.0 must be the name of an archive'],
  [handWritten.replace('"minWorkers":1', '"minWorkers":-1'), 'minWorkers of mnist 1.0 must be a number'],
])('%s is refused', (text, mustBe) => {
  expect(read(text)).toContain(mustBe)
})

test('without a positive count of models there are none', () => {
  const none = read(handWritten.replace('"modelCount":1', '"modelCount":0'))
  expect(none).toMatchObject({ models: new Map() })
})

const version = fc.record({
  defaultVersion: fc.boolean(),
  marName: fc.string({ minLength: 1 }),
  minWorkers: fc.nat(),
  maxWorkers: fc.nat(),
  batchSize: fc.nat(),
  maxBatchDelayMs: fc.nat(),
  responseTimeoutMs: fc.nat(10_000).map((seconds) => seconds * 1000),
  startupTimeoutMs: fc.nat(10_000).map((seconds) => seconds * 1000),
  runtime: fc.constantFrom('python', 'python3', 'node'),
})
// JSON.parse orders keys that look like numbers, so maps are compared by their entries.
const snapshot = fc
  .array(fc.tuple(fc.string(), fc.array(fc.tuple(fc.string(), version), { minLength: 1 })), { minLength: 1 })
  .map((models): Snapshot => ({
    name: 'x',
    createdMs: 1,
    models: new Map(models.map(([name, versions]) => [name, new Map(versions)])),
  }))

test('what is written is read again as it was, whatever the names of models', () => {
  fc.assert(
    fc.property(snapshot, (written) => {
      expect(read(printSnapshot(written))).toEqual(written)
    }),
  )
})
