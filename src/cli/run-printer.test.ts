/** What a run looks like on a terminal, and where nobody watches. */
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../pipeline/index.js'
import { createRunPrinter, seconds, secondsLeft, type PrinterStream } from './run-printer.js'

/** Collects what is written; a terminal of 120 columns where `isTTY`. */
function stream(isTTY: boolean) {
  let text = ''
  const writable = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  // Cast: what the printer and its bar use of a terminal.
  const faked = Object.assign(writable, {
    isTTY,
    columns: 120,
    clearLine: () => true,
    cursorTo: () => true,
    moveCursor: () => true,
  }) as unknown as PrinterStream
  return { stream: faked, text: () => text }
}

const begin: readonly RunEvent[] = [
  { kind: 'run-started', run: 'r', steps: ['data', 'train'] },
  { kind: 'step-skipped', step: 'data', report: { images: 70_000, hash: 'a'.repeat(64) } },
]
const progress = (done: number, total = 100): RunEvent => ({
  kind: 'step-progress',
  step: 'train',
  progress: { done, total, text: `loss ${done}` },
})

describe('where nobody watches', () => {
  test('each step is a line with its figures; a long one says now and then how far it is', () => {
    const { stream: output, text } = stream(false)
    const print = createRunPrinter(output)
    const events: readonly RunEvent[] = [
      ...begin,
      { kind: 'step-started', step: 'train', why: 'its code changed' },
      ...[1, 19, 20, 21, 39, 55, 100].map((done) => progress(done)),
      { kind: 'step-log', step: 'train', text: 'a word' },
      { kind: 'step-done', step: 'train', seconds: 61.2, report: { loss: 0.123456, ok: true } },
      { kind: 'run-finished', status: 'done', seconds: 62 },
    ]
    events.forEach(print)
    expect(text().split('\n')).toEqual([
      '  1/2 data      unchanged  images 70,000 · hash aaaaaaaaaaaa',
      '  2/2 train      20 %  loss 20',
      '  2/2 train      55 %  loss 55',
      '                a word',
      '  2/2 train     1 min 1 s  loss 0.1235 · ok true  (its code changed)',
      '',
    ])
    // No escape codes in a file.
    expect(text()).not.toContain('\u001b')
  })

  test('what steps say is left out where it is not wanted, failures never are', () => {
    const { stream: output, text } = stream(false)
    const print = createRunPrinter(output, { logs: false })
    const events: readonly RunEvent[] = [
      ...begin,
      { kind: 'step-started', step: 'train', why: 'never ran' },
      { kind: 'step-log', step: 'train', text: 'a word' },
      { kind: 'step-failed', step: 'train', message: 'no luck', log: 'runs/r/train.log' },
    ]
    events.forEach(print)
    expect(text()).not.toContain('a word')
    expect(text()).toContain('2/2 train     failed  all it said: runs/r/train.log\n')
  })
})

describe('on a terminal', () => {
  test('a bar shows how far a step is; it goes when the step is done', () => {
    const { stream: output, text } = stream(true)
    const print = createRunPrinter(output)
    const events: readonly RunEvent[] = [
      ...begin,
      { kind: 'step-started', step: 'train', why: 'its code changed' },
      progress(50),
      { kind: 'step-done', step: 'train', seconds: 1, report: {} },
      { kind: 'run-finished', status: 'done', seconds: 1 },
    ]
    events.forEach(print)
    expect(text()).toContain('train     ░░░░')
    expect(text()).toContain('0 %    its code changed')
    expect(text()).toMatch(/2\/2 train {5}.*1\.0 s/)
  })
})

describe('the time left', () => {
  const first = { atMs: 1000, done: 40 }

  test('follows from the speed since the first news, also for a step that goes on from a checkpoint', () => {
    expect(secondsLeft({ done: 60, total: 100 }, { first, nowMs: 3000 })).toBe(4)
  })

  test('is not shown at the first news, nor when all is done', () => {
    expect(secondsLeft({ done: 40, total: 100 }, { first, nowMs: 1000 })).toBeUndefined()
    expect(secondsLeft({ done: 100, total: 100 }, { first, nowMs: 3000 })).toBeUndefined()
  })
})

test.each([
  [0.04, '0.0 s'],
  [59.94, '59.9 s'],
  [59.96, '1 min 0 s'],
  [119.7, '2 min 0 s'],
  [125, '2 min 5 s'],
])('%f seconds are written %s', (value, text) => {
  expect(seconds(value)).toBe(text)
})
