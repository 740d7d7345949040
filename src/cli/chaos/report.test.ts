/** What a run comes to: the figures for programs, the tables for people, and what counts as lost. */
import { expect, test } from 'vitest'
import { chaosJson, chaosText, countFaults, faultLine, lostIn, type ChaosReport } from './report.js'
import type { FaultRecord } from './run.js'
import { connectionsOf, judge } from './load.js'
import { counterOf } from './server.js'
import { emptyTally } from './tally.js'
import { styleFor } from '../terminal.js'

const style = styleFor({ isTTY: false })
const whole = { ...emptyTally, sent: 100, answered: 100, longestStallMs: 412.4 }
const fault: FaultRecord = {
  kind: 'kill',
  model: 'python',
  atMs: 1040,
  note: '1 running, tried again; back in 0.31 s',
  hit: true,
  lost: 0,
  failed: false,
}
const report: ChaosReport = {
  seconds: 60,
  connections: 16,
  models: [
    { model: 'typescript', tally: whole },
    { model: 'python', tally: whole },
  ],
  faults: [fault, { ...fault, hit: false }, { ...fault, kind: 'flood', hit: false }],
  handover: undefined,
}

test('a run in which all was answered has lost nothing, and says so', () => {
  expect(lostIn(report)).toBe(0)
  expect(chaosText(report, { style, terminal: true })).toContain('Nothing was lost.')
})

test.each<[string, Partial<ChaosReport>]>([
  ['an answer is missing', { models: [{ model: 'python', tally: { ...whole, answered: 99 } }] }],
  ['a flooded request got neither answer nor refusal', { faults: [{ ...fault, kind: 'flood', lost: 1 }] }],
  ['a worker did not come back', { faults: [{ ...fault, failed: true }] }],
  [
    'the handover lost one',
    {
      handover: {
        models: [{ model: 'python', tally: { ...whole, answered: 99 } }],
        tookMs: 90,
        ended: 'exit code 0',
      },
    },
  ],
])('something is lost when %s', (_, change) => {
  expect(lostIn({ ...report, ...change })).toBe(1)
  expect(chaosText({ ...report, ...change }, { style, terminal: true })).toContain('Lost: 1.')
})

test('kills are counted, and those that hit a running job apart', () => {
  expect(countFaults(report.faults, 'kill')).toEqual({ times: 2, hit: 1, failed: 0 })
  expect(chaosJson(report)).toMatchObject({
    lost: 0,
    sent: 200,
    answered: 200,
    longestStallMs: 412,
    faults: expect.arrayContaining([{ kind: 'kill', times: 2, hit: 1, failed: 0 }]) as unknown,
  })
})

test('why requests failed is said, with how many', () => {
  const tally = { ...whole, answered: 97, failed: { ECONNRESET: 2, '503 busy': 1 } }
  const text = chaosText({ ...report, models: [{ model: 'python', tally }] }, { style, terminal: true })
  expect(text).toContain('2 × ECONNRESET')
  expect(text).toContain('1 × 503 busy')
})

test('a fault is one line: when, what, to whom, and what came of it', () => {
  expect(faultLine(fault, style)).toBe(
    '   1.0 s  kill      python      1 running, tried again; back in 0.31 s',
  )
})

test('an answer counts when it is that of its own request', () => {
  const asked = { body: 'request 7', contentType: undefined, expected: 'seen request 7' }
  expect(judge(asked, { status: 200, text: 'seen request 7' })).toEqual({ kind: 'answered' })
  expect(judge(asked, { status: 200, text: 'seen request 8' })).toEqual({
    kind: 'failed',
    why: 'another answer than its own',
  })
  expect(judge(asked, { status: 503, text: 'full' })).toEqual({ kind: 'failed', why: '503 full' })
  expect(judge({ ...asked, expected: undefined }, { status: 200, text: 'any' })).toEqual({ kind: 'answered' })
})

test('connections are shared among the models, and none goes without', () => {
  const shares = (connections: number, models: number) =>
    Array.from({ length: models }, (_, at) => connectionsOf(connections, { models, at }))
  expect(shares(16, 2)).toEqual([8, 8])
  expect(shares(16, 3)).toEqual([6, 5, 5])
  expect(shares(1, 2)).toEqual([1, 1])
})

test('a counter is summed over the versions of one model', () => {
  const text = [
    '# TYPE inference_replays_total counter',
    'inference_replays_total{model_name="a",model_version="1.0"} 3',
    'inference_replays_total{model_name="a",model_version="2.0"} 4',
    'inference_replays_total{model_name="ab",model_version="1.0"} 50',
    'inference_worker_deaths_total{model_name="a",model_version="1.0"} 9',
  ].join('\n')
  expect(counterOf(text, { name: 'inference_replays_total', model: 'a' })).toBe(7)
})
