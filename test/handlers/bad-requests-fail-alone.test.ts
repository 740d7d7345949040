/**
 * Handlers that misbehave while they serve: the request that asks for it fails, its worker is kept if it lives, and no
 * other request is lost, neither of the same model nor of its neighbour (issue "Bad input"; contract python-handlers §6).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServerTests, type Served } from '../support/served.js'
import { BAD, GOOD } from './bad-handlers.js'
import { Neighbourhood, packPython, SteadyLoad } from './neighbours.js'

const tests = new ServerTests()
const neighbourhood = new Neighbourhood(tests)
let served: Served

beforeAll(async () => {
  const models = [
    await packPython(tests, { name: 'good', source: GOOD }),
    await packPython(tests, { name: 'bad', source: BAD }),
  ]
  const store = ['--model-store', tests.folder]
  served = await neighbourhood.start([...models, ...store, '--workers', '1', '--batch-size', '4'])
  const hanging = 'url=bad.mar&model_name=hanging&initial_workers=1&batch_size=1&response_timeout=3'
  const registered = await fetch(`${served.management}/models?${hanging}`, { method: 'POST' })
  expect(await registered.text()).toContain('registered with 1 initial workers')
})
afterAll(() => tests.close())

const pidOf = async (model: string) => (await served.describe(model)).workers[0]?.pid

/** Asks for `word` while both models are under load; says whether the worker is the same afterwards. */
async function amongOthers(model: string, word: string) {
  const loads = [
    new SteadyLoad(neighbourhood, { model: 'good', prefix: 'good ' }),
    new SteadyLoad(neighbourhood, { model, prefix: 'answer to ' }),
  ]
  expect(await neighbourhood.ask(model, 'ok before')).toBe('200 answer to ok before')
  const before = await pidOf(model)
  const answer = await neighbourhood.ask(model, word)
  expect(await neighbourhood.ask(model, 'ok after')).toBe('200 answer to ok after')
  const after = await pidOf(model)
  for (const load of loads) await load.stop()
  expect(loads.map(({ wrong }) => wrong)).toEqual([[], []])
  return { answer, kept: before === after }
}

const failed = (status: number, message: string) => new RegExp(`^${status} .*"message": "${message}`)
const DIED = failed(500, 'Worker died\\.')
const WRONG_SHAPE = failed(503, 'Invalid model predict output')
const WRONG_LENGTH = failed(503, 'number of batch response mismatched')
const NO_JSON = failed(503, 'Unsupported model output data type')

describe('a request whose handler', () => {
  test.each([
    ['raise', failed(503, 'Prediction failed')],
    ['missing module', failed(503, 'Prediction failed')],
    ['object', NO_JSON],
    ['set', NO_JSON],
    ['too few', WRONG_LENGTH],
    ['too many', WRONG_LENGTH],
    ['nothing', WRONG_SHAPE],
    ['generator', WRONG_SHAPE],
  ])('does "%s" fails alone, and the worker lives on', async (word, wanted) => {
    const { answer, kept } = await amongOthers('bad', word)
    expect(answer).toMatch(wanted)
    expect(kept).toBe(true)
  })

  test.each([
    'fork and sleep',
    'fork and come back',
    'write to 1',
    'leak',
    'change directory',
    'ignore signals',
    'close output',
  ])('does "%s" is answered, and the worker lives on', async (word) => {
    const { answer, kept } = await amongOthers('bad', word)
    expect(answer).toBe(`200 answer to ${word}`)
    expect(kept).toBe(true)
  })

  test.each(['exit', 'hard exit', 'kill', 'crash', 'base exception', 'interrupt'])(
    'does "%s" fails alone, and another worker takes over',
    async (word) => {
      const { answer, kept } = await amongOthers('bad', word)
      expect(answer).toMatch(DIED)
      expect(kept).toBe(false)
    },
  )

  test.each(['sleep', 'spin', 'catch everything'])(
    'does "%s" fails at its time-out, and another worker takes over',
    async (word) => {
      const { answer, kept } = await amongOthers('hanging', word)
      expect(answer).toMatch(DIED)
      expect(kept).toBe(false)
    },
  )

  test('leaks until nothing can be opened fails, and other requests are answered', async () => {
    const answers: string[] = []
    while (!answers.some((answer) => answer.startsWith('503')))
      answers.push(await neighbourhood.ask('bad', 'leak'))
    expect(await neighbourhood.ask('bad', 'ok')).toBe('200 answer to ok')
  })
})

test('what happened is told: the exception with its line, the exit, the signal', async () => {
  for (const word of ['raise', 'exit', 'kill']) await neighbourhood.ask('bad', word)
  await served.until(/Invoking custom service failed.*ValueError: bad row/s)
  await served.until(/no licence/)
  await served.until(/killed by SIGKILL/)
})

test('when the server stops, nothing is left of all that was forked and hangs', async () => {
  await neighbourhood.ask('bad', 'fork and sleep')
  expect(neighbourhood.processes().length).toBeGreaterThan(4)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  await expect.poll(() => neighbourhood.processes(), { timeout: 60_000 }).toEqual([])
})
