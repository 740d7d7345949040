/** What TorchServe's log says of a worker that dies (contract server-config §13.3). */
import { expect, test } from 'vitest'
import type { Logger } from '../../log.js'
import { moveWorker, startWorker, type WorkerHappening, type WorkerState } from '../../worker/lifecycle.js'
import { torchserveWords } from './slot-words.js'

const startupTimeoutMs = 60_000

/** The waits that the log names while a slot goes through what happens to it. */
function waitsSaid(happenings: readonly WorkerHappening[]): string[] {
  const said: string[] = []
  // Cast: the words use no more of a log.
  const log = {
    info: (text: string) => said.push(text),
    debug: () => 0,
    child: () => log,
  } as unknown as Logger
  const words = torchserveWords(log, { slot: 9000, thread: 'W-9000-m_1.0' })
  let nowMs = 0
  let state: WorkerState = startWorker(nowMs, { startupTimeoutMs }).state
  for (const event of happenings) {
    if (state.kind === 'waiting') nowMs = state.untilMs
    const next = moveWorker(state, event, { startupTimeoutMs, nowMs }).state
    words.moved(state, next)
    state = next
  }
  return said.flatMap((text) => /^Retry worker: 9000 in (.+) seconds\.$/.exec(text)?.[1] ?? [])
}

const dies: WorkerHappening[] = [{ kind: 'exited', cause: 'killed' }, { kind: 'tick' }]
const serves: WorkerHappening[] = [{ kind: 'spawned', pid: 1 }, { kind: 'loaded' }]

test('the wait that is named is the one that was decided: at once, then a little for one that dies young', () => {
  const lives = Array.from({ length: 7 }, () => [...serves, ...dies]).flat()
  expect(waitsSaid(lives)).toEqual(['0', '0', '0', '0', '0.25', '0.5', '1'])
})

test('one that fails to start waits longer and longer', () => {
  expect(waitsSaid(Array.from({ length: 5 }, () => dies).flat())).toEqual(['1', '1', '2', '3', '5'])
})
