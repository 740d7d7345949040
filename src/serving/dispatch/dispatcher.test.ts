/** The dispatcher's rules one by one, each as the exact list of what it orders. */
import { describe, expect, test } from 'vitest'
import type { JobKey } from '../../protocol/messages.js'
import { queueTimeMs, refusalOf } from './admission.js'
import { createDispatchState, waitingJobs } from './state.js'
import type { DispatchEffect, DispatchEvent, DispatchOptions, WorkerId } from './state.js'
import { assign } from './dispatcher.js'
import type { InferenceRequest, LiveJob } from '../job.js'

const defaults: DispatchOptions = {
  batchSize: 1,
  queueSize: 100,
  maxJobs: Infinity,
  jobTickets: false,
  fixedBatches: false,
  maxBatchDelayMs: 100,
  responseTimeoutMs: 1000,
  replayJobs: true,
}
const timing = { preprocessUs: 1, inferenceUs: 2, postprocessUs: 3, batch: 1 }
const answer = {
  kind: 'ok',
  status: 200,
  headers: {},
  body: { kind: 'inline', data: new Uint8Array() },
} as const
const crashed = { message: 'killed by SIGSEGV', stderr: ['last words'], blame: true }

/** A dispatcher that speaks in short lines: `send w1 start 1,2`, `recall w1 3`, `settle 1 ok`. */
function harness(options: Partial<DispatchOptions> = {}) {
  const state = createDispatchState({ ...defaults, ...options })
  const jobs = new Map<number, LiveJob>()
  let now = 0
  const tell = (event: DispatchEvent): string[] =>
    assign(state, event, now)
      .filter((effect) => effect.kind !== 'wakeAt' || state.options.fixedBatches)
      .map(line)
  return {
    state,
    jobs,
    tell,
    at: (ms: number) => {
      now = ms
    },
    accept: (key: number, request: Partial<InferenceRequest> = {}) => {
      const job = fakeJob(key, request, now)
      jobs.set(key, job)
      return tell({ kind: 'accepted', job })
    },
    hangUp: (key: number) => tell({ kind: 'hung-up', key: key as JobKey }),
    worker: (id: number, credit = 2 * state.options.batchSize) =>
      tell({ kind: 'credit', worker: id as WorkerId, credit }),
    started: (id: number, ...keys: number[]) =>
      tell({ kind: 'started', worker: id as WorkerId, keys: keysOf(keys) }),
    cancelled: (id: number, ...keys: number[]) =>
      tell({ kind: 'cancelled', worker: id as WorkerId, keys: keysOf(keys) }),
    result: (id: number, key: number) =>
      tell({ kind: 'result', worker: id as WorkerId, key: key as JobKey, outcome: answer, timing }),
    chunk: (id: number, key: number) =>
      tell({ kind: 'chunk', worker: id as WorkerId, key: key as JobKey, chunk: { body: answer.body } }),
    died: (id: number, blame = true) =>
      tell({ kind: 'died', worker: id as WorkerId, death: { ...crashed, blame } }),
    retire: (id: number) => tell({ kind: 'retire', worker: id as WorkerId }),
    tick: () => tell({ kind: 'tick' }),
  }
}

const keysOf = (keys: number[]) => keys.map((key) => key as JobKey)

function line(effect: DispatchEffect): string {
  switch (effect.kind) {
    case 'send':
      return `send w${effect.worker} ${effect.start ? 'start' : 'ahead'} ${effect.jobs.map((job) => job.key).join()}`
    case 'recall':
      return `recall w${effect.worker} ${effect.keys.join()}`
    case 'emit':
      return `emit ${effect.job.key}`
    case 'settle': {
      const { ending } = effect
      const what = ending.kind === 'answered' ? ending.outcome.kind : ending.kind
      return `settle ${effect.job.key} ${what}${ending.kind === 'timed-out' ? ` ${ending.phase}` : ''}`
    }
    case 'kill':
      return `kill w${effect.worker}`
    case 'release':
      return `release w${effect.worker}`
    case 'wakeAt':
      return `wake ${effect.atMs}`
  }
}

function fakeJob(key: number, request: Partial<InferenceRequest>, nowMs: number): LiveJob {
  return {
    key: key as JobKey,
    request: {
      id: `r${key}`,
      model: 'm',
      version: undefined,
      operation: 'predict',
      headers: {},
      input: { kind: 'parts', parts: [] },
      signal: new AbortController().signal,
      receivedMs: nowMs,
      ...request,
    },
    model: 'm',
    version: '1.0',
    deadlineMs: request.deadlineMs ?? Infinity,
    timing: {
      receivedMs: nowMs,
      acceptedMs: nowMs,
      sentMs: 0,
      startedMs: 0,
      settledMs: 0,
      handler: undefined,
      replays: 0,
    },
    settled: new Promise(() => undefined),
    reply: { chunk: () => undefined, settle: () => undefined },
  }
}

describe('who gets a job', () => {
  test('a lone request starts at once on an idle worker, whatever the batch size', () => {
    const d = harness({ batchSize: 8 })
    d.worker(1)
    expect(d.accept(1)).toEqual(['send w1 start 1'])
  })

  test('jobs wait for the first worker and then start together, up to the batch size', () => {
    const d = harness({ batchSize: 2 })
    expect([d.accept(1), d.accept(2), d.accept(3)]).toEqual([[], [], []])
    expect(d.worker(1)).toEqual(['send w1 start 1,2', 'send w1 ahead 3'])
  })

  test('a second job goes to the other worker, and only the third is sent ahead', () => {
    const d = harness()
    d.worker(1)
    d.worker(2)
    expect(d.accept(1)).toEqual(['send w2 start 1'])
    d.at(1)
    expect(d.accept(2)).toEqual(['send w1 start 2'])
    expect(d.accept(3), 'to the one that started first').toEqual(['send w2 ahead 3'])
  })

  test('jobs ahead are spread over busy workers and stop at their credit', () => {
    const d = harness({ batchSize: 2 })
    d.worker(1)
    d.worker(2)
    const lines = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((key) => d.accept(key))
    expect(lines.slice(2).map((text) => text.replace(' ahead', ''))).toEqual([
      'send w1 3',
      'send w2 4',
      'send w1 5',
      'send w2 6',
      'send w1 7',
      'send w2 8',
    ])
    expect(orderOf(d)).toEqual([9])
  })

  test('a worker that just finished and has jobs ahead is not idle: it goes on by itself', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    d.accept(3)
    expect(d.result(1, 1)).toEqual(['settle 1 ok', 'send w1 ahead 3'])
    expect(d.started(1, 2)).toEqual([])
  })

  test('more credit lets more jobs be sent ahead, no credit none', () => {
    const d = harness()
    d.worker(1, 1)
    d.accept(1)
    expect(d.accept(2)).toEqual([])
    expect(d.worker(1, 3)).toEqual(['send w1 ahead 2'])
    expect(d.accept(3)).toEqual(['send w1 ahead 3'])
    expect(d.accept(4)).toEqual([])
  })

  test('a describe request runs alone, and nothing is sent ahead beside it', () => {
    const d = harness({ batchSize: 4 })
    d.accept(1)
    d.accept(2, { operation: 'describe' })
    d.accept(3)
    expect(d.worker(1)).toEqual(['send w1 start 1'])
    expect(d.result(1, 1)).toEqual(['settle 1 ok', 'send w1 start 2'])
    expect(d.result(1, 2)).toEqual(['settle 2 ok', 'send w1 start 3'])
  })
})

describe('recall', () => {
  function busyPair() {
    const d = harness()
    d.worker(1)
    d.worker(2)
    d.accept(1) // w2
    d.at(1)
    d.accept(2) // w1
    d.accept(3) // ahead at w2, which started first
    d.at(50)
    return d
  }

  test('a job ahead is recalled when another worker becomes idle, and starts there when it is handed back', () => {
    const d = busyPair()
    expect(d.result(1, 2)).toEqual(['settle 2 ok', 'recall w2 3'])
    expect(d.cancelled(2, 3)).toEqual(['send w1 start 3'])
  })

  test('a job that was started before the recall arrived runs where it is', () => {
    const d = busyPair()
    d.result(1, 2)
    expect(d.result(2, 1)).toEqual(['settle 1 ok'])
    expect(d.started(2, 3)).toEqual([])
    expect(d.result(2, 3)).toEqual(['settle 3 ok'])
  })

  test('one recall at a time for each idle worker', () => {
    const d = busyPair()
    d.accept(4) // ahead at w1
    d.result(1, 2)
    d.started(1, 4)
    expect(d.result(1, 4)).toEqual(['settle 4 ok', 'recall w2 3'])
    expect(d.tick()).toEqual([])
  })

  test('is put off while the busy worker will be free sooner than the recall would take', () => {
    const d = harness()
    d.worker(1)
    d.worker(2)
    for (let key = 1; key <= 20; key++) {
      d.accept(key)
      d.at(key * 0.1)
      d.result(2, key) // batches take 0.1 ms here
    }
    d.accept(21) // w2
    d.at(2.01)
    d.accept(22) // w1
    d.accept(23) // ahead at w2
    expect(d.result(1, 22)).toEqual(['settle 22 ok'])
    expect(d.state.wakeMs).toBeCloseTo(3.01)
    d.at(3.01)
    expect(d.tick()).toEqual(['recall w2 23'])
  })

  test('jobs that come back stand where their age puts them', () => {
    const d = busyPair()
    d.result(1, 2) // recall of 3 is under way
    expect(d.accept(4)).toEqual(['send w1 start 4'])
    d.accept(5)
    d.accept(6)
    expect(d.died(1, false)).toEqual([])
    d.worker(2, 1) // no room for it at the busy worker
    expect(d.cancelled(2, 3)).toEqual([])
    expect(orderOf(d)).toEqual([3, 4, 5, 6])
  })
})

const orderOf = (d: ReturnType<typeof harness>) => [...d.state.queue].map((entry) => Number(entry.job.key))

describe('the limit of the queue', () => {
  test('jobs sent ahead count as queued until they start', () => {
    const d = harness({ queueSize: 2 })
    d.worker(1)
    d.accept(1)
    d.accept(2) // ahead
    expect(refusalOf(d.state)).toBeUndefined()
    d.accept(3)
    expect(waitingJobs(d.state)).toBe(2)
    expect(refusalOf(d.state)).toBe('queue-full')
    d.result(1, 1)
    expect(refusalOf(d.state)).toBe('queue-full')
    d.started(1, 2)
    expect(refusalOf(d.state)).toBeUndefined()
  })

  test('an idle worker takes a job even where nothing may wait', () => {
    const d = harness({ queueSize: 0 })
    expect(refusalOf(d.state)).toBe('queue-full')
    d.worker(1)
    expect(refusalOf(d.state)).toBeUndefined()
  })
})

describe('priority', () => {
  test('what waits is taken by priority, also into one batch', () => {
    const d = harness({ batchSize: 3 })
    d.accept(1, { priority: 'low' })
    d.accept(2)
    d.accept(3, { priority: 'high' })
    d.accept(4)
    expect(d.worker(1, 3)).toEqual(['send w1 start 3,2,4'])
  })

  test('fixed batches start by the age of the oldest, whatever its priority', () => {
    const d = harness({ batchSize: 3, fixedBatches: true, maxBatchDelayMs: 100 })
    d.worker(1, 3)
    d.accept(1, { priority: 'low' })
    d.at(60)
    expect(d.accept(2, { priority: 'high' })).toEqual([])
    d.at(100)
    expect(d.tick()).toContain('send w1 start 2,1')
  })
})

describe('job tickets', () => {
  test('a job is taken while a worker has a place for it in one batch', () => {
    const d = harness({ jobTickets: true, batchSize: 2 })
    expect(refusalOf(d.state), 'no worker serves yet').toBe('no-ticket')
    d.worker(1)
    d.accept(1)
    expect(refusalOf(d.state)).toBeUndefined()
    d.accept(2)
    expect(refusalOf(d.state)).toBe('no-ticket')
    d.result(1, 1)
    expect(refusalOf(d.state)).toBeUndefined()
  })

  test('the places of a worker that dies are gone, and its jobs still hold tickets', () => {
    const d = harness({ jobTickets: true })
    d.worker(1)
    d.worker(2)
    d.accept(1)
    expect(refusalOf(d.state)).toBeUndefined()
    d.died(2)
    expect(refusalOf(d.state)).toBe('no-ticket')
    d.worker(3)
    expect(refusalOf(d.state)).toBeUndefined()
  })
})

describe('the limit of jobs', () => {
  test('counts those that wait and those that run', () => {
    const d = harness({ maxJobs: 2 })
    d.worker(1, 1)
    d.accept(1)
    d.accept(2)
    expect(refusalOf(d.state)).toBe('job-limit')
    d.hangUp(2)
    expect(refusalOf(d.state)).toBeUndefined()
  })
})

describe('the queue time', () => {
  test('is what jobs have waited lately, or what the oldest has waited already', () => {
    const d = harness()
    expect(queueTimeMs(d.state, 0)).toBe(0)
    d.accept(1)
    d.accept(2)
    expect(queueTimeMs(d.state, 300)).toBe(300)
    d.at(1000)
    d.worker(1, 1)
    expect(queueTimeMs(d.state, 1000), 'the second still waits').toBe(1000)
    d.result(1, 1)
    expect(queueTimeMs(d.state, 9000), 'nobody waits: the mean').toBe(1000)
  })
})

describe('a worker dies', () => {
  test('its unfinished jobs go back to the head, in order, and run first', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    d.accept(3)
    expect(d.died(1)).toEqual([])
    expect(orderOf(d)).toEqual([1, 2, 3])
    expect(d.worker(2)).toEqual(['send w2 start 1'])
    expect(d.jobs.get(1)?.timing.replays).toBe(1)
    expect(d.jobs.get(2)?.timing.replays).toBe(0)
  })

  test('a job fails at its second death alone', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    expect(d.died(1)).toEqual([])
    expect(d.worker(2)).toEqual(['send w2 start 1'])
    expect(d.died(2)).toEqual(['settle 1 died'])
  })

  test('a batch that kills is halved until the poison stands alone, and only the poison fails', () => {
    const d = harness({ batchSize: 4 })
    for (const key of [1, 2, 3, 4]) d.accept(key)
    expect(d.worker(1)).toEqual(['send w1 start 1,2,3,4'])
    d.died(1) // 3 is the poison
    expect(d.worker(2)).toEqual(['send w2 start 1,2'])
    expect(d.result(2, 1)).toEqual(['settle 1 ok'])
    expect(d.result(2, 2)).toEqual(['settle 2 ok', 'send w2 start 3,4'])
    d.died(2)
    expect(d.worker(3)).toEqual(['send w3 start 3'])
    d.died(3)
    expect(d.worker(4)).toEqual(['send w4 start 3'])
    expect(d.died(4)).toEqual(['settle 3 died'])
    expect(d.worker(5)).toEqual(['send w5 start 4'])
    expect(d.result(5, 4)).toEqual(['settle 4 ok'])
  })

  test('what is left of an answered batch died in company: it is not yet guilty', () => {
    const d = harness({ batchSize: 2 })
    d.accept(1)
    d.accept(2)
    d.worker(1)
    d.result(1, 1)
    d.died(1)
    expect(d.worker(2)).toEqual(['send w2 start 2'])
    d.died(2)
    expect(d.worker(3)).toEqual(['send w3 start 2'])
    expect(d.died(3)).toEqual(['settle 2 died'])
  })

  test('suspects get no company: a newcomer waits until they are done', () => {
    const d = harness({ batchSize: 4 })
    d.worker(1)
    d.accept(1)
    d.died(1)
    expect(d.worker(2)).toEqual(['send w2 start 1'])
    expect(d.accept(2)).toEqual([])
    expect(d.result(2, 1)).toEqual(['settle 1 ok', 'send w2 start 2'])
  })

  test('a death that the server caused puts no blame on any job', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    for (const id of [1, 2, 3, 4]) {
      d.died(id, false)
      expect(d.worker(id + 1)).toEqual([`send w${id + 1} start 1`])
    }
  })

  test('after its first chunk an answer is not repeated', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    expect(d.chunk(1, 1)).toEqual(['emit 1'])
    expect(d.died(1)).toEqual(['settle 1 died'])
  })

  test('a job of a stateful sequence is not repeated', () => {
    const d = harness()
    d.worker(1)
    d.accept(1, { sequenceId: 's' })
    expect(d.died(1)).toEqual(['settle 1 died'])
  })

  test('a non-repeatable version fails what had started and spares what had not', () => {
    const d = harness({ replayJobs: false })
    d.worker(1)
    d.accept(1)
    d.accept(2)
    expect(d.died(1)).toEqual(['settle 1 died'])
    expect(d.worker(2)).toEqual(['send w2 start 2'])
  })

  test('what a dead worker still says is ignored', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.died(1)
    expect([d.result(1, 1), d.chunk(1, 1), d.cancelled(1, 1), d.started(1, 1), d.died(1)]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ])
    expect(d.worker(2)).toEqual(['send w2 start 1'])
  })
})

describe('time', () => {
  test('a response time-out is final for the running batch, kills the worker and spares the jobs ahead', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    d.at(999)
    expect(d.tick()).toEqual([])
    d.at(1000)
    expect(d.tick()).toEqual(['settle 1 timed-out response', 'kill w1'])
    expect(d.died(1)).toEqual([])
    expect(d.worker(2)).toEqual(['send w2 start 2'])
  })

  test('counts from the start of the work, not from the sending ahead', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    d.at(900)
    d.result(1, 1)
    d.started(1, 2)
    d.at(1899)
    expect(d.tick()).toEqual([])
    d.at(1900)
    expect(d.tick()).toEqual(['settle 2 timed-out response', 'kill w1'])
  })

  test('begins again at each chunk', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    for (const ms of [800, 1600, 2400]) {
      d.at(ms)
      expect(d.chunk(1, 1)).toEqual(['emit 1'])
      expect(d.tick()).toEqual([])
    }
    d.at(3400)
    expect(d.tick()).toEqual(['settle 1 timed-out response', 'kill w1'])
  })

  test('other batches of a killed worker are tried again without blame', () => {
    const d = harness({ batchSize: 1 })
    d.worker(1, 4)
    d.accept(1)
    d.accept(2)
    d.at(500)
    d.started(1, 2)
    d.at(1000)
    expect(d.tick()).toEqual(['settle 1 timed-out response', 'kill w1'])
    d.died(1)
    expect(d.worker(2, 4)).toEqual(['send w2 start 2'])
    expect(d.accept(3)).toEqual(['send w2 ahead 3'])
  })

  test('a job past its deadline is dropped in the queue, and ahead of a busy worker', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2, { deadlineMs: 40 })
    d.accept(3, { deadlineMs: 40 })
    d.accept(4, { deadlineMs: 60 })
    d.at(40)
    expect(d.tick()).toEqual(['settle 2 timed-out queue', 'recall w1 2', 'settle 3 timed-out queue'])
    expect(d.cancelled(1, 2)).toEqual(['send w1 ahead 4'])
  })

  test('a deadline that has passed is noticed without a tick too', () => {
    const d = harness()
    d.accept(1, { deadlineMs: 40 })
    d.at(41)
    expect(d.worker(1)).toEqual(['settle 1 timed-out queue'])
  })

  test('a job that runs past its deadline is answered, interrupted, and its place counts until it ends', () => {
    const d = harness()
    d.worker(1, 1)
    d.accept(1, { deadlineMs: 40 })
    d.accept(2)
    d.at(40)
    expect(d.tick()).toEqual(['settle 1 timed-out running', 'recall w1 1'])
    expect(d.result(1, 1)).toEqual(['send w1 start 2'])
  })

  test('an answer that is being streamed at its deadline ends there', () => {
    const d = harness()
    d.worker(1, 1)
    d.accept(1, { deadlineMs: 40 })
    expect(d.chunk(1, 1)).toEqual(['emit 1'])
    d.at(40)
    expect(d.tick()).toEqual(['settle 1 timed-out running', 'recall w1 1'])
    expect(d.chunk(1, 1)).toEqual([])
  })

  test('one wake-up serves all jobs', () => {
    const d = harness({ fixedBatches: true, batchSize: 1 })
    d.worker(1)
    const wakes = [1, 2, 3, 4].flatMap((key) => d.accept(key)).filter((text) => text.startsWith('wake'))
    expect(wakes).toEqual(['wake 1000'])
  })
})

describe('fixed batches', () => {
  test('wait for companions until the batch is full', () => {
    const d = harness({ fixedBatches: true, batchSize: 2 })
    d.worker(1)
    expect(d.accept(1)).toEqual(['wake 100'])
    expect(d.accept(2)).toEqual(['send w1 start 1,2'])
  })

  test('start incomplete when their oldest job has waited long enough, counted from its arrival', () => {
    const d = harness({ fixedBatches: true, batchSize: 2 })
    d.accept(1)
    d.at(70)
    expect(d.worker(1)).toEqual(['wake 100'])
    d.at(100)
    expect(d.tick()).toEqual(['send w1 start 1', 'wake 1100'])
  })

  test('are sent ahead whole or not at all', () => {
    const d = harness({ fixedBatches: true, batchSize: 2 })
    d.worker(1)
    for (const key of [1, 2, 3]) d.accept(key)
    expect(d.state.queue.length).toBe(1)
    expect(d.accept(4)).toEqual(['send w1 ahead 3,4'])
  })
})

describe('the caller hangs up', () => {
  test('a queued job is removed at once', () => {
    const d = harness()
    d.accept(1)
    expect(d.hangUp(1)).toEqual(['settle 1 cancelled'])
    expect(d.worker(1)).toEqual([])
  })

  test('a running job is cancelled; its place counts until the worker answers, and the answer is dropped', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    expect(d.hangUp(1)).toEqual(['settle 1 cancelled', 'recall w1 1'])
    expect(d.accept(2)).toEqual(['send w1 ahead 2'])
    expect(d.accept(3)).toEqual([])
    expect(d.result(1, 1)).toEqual(['send w1 ahead 3'])
  })

  test('a job sent ahead is taken back and does not run', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    expect(d.hangUp(2)).toEqual(['settle 2 cancelled', 'recall w1 2'])
    expect(d.cancelled(1, 2)).toEqual([])
    expect(d.result(1, 1)).toEqual(['settle 1 ok'])
  })

  test('twice changes nothing', () => {
    const d = harness()
    d.accept(1)
    d.hangUp(1)
    expect(d.hangUp(1)).toEqual([])
  })
})

describe('workers that leave', () => {
  test('a retiring worker finishes what it runs, hands back what is ahead, and is released', () => {
    const d = harness()
    d.worker(1)
    d.accept(1)
    d.accept(2)
    expect(d.retire(1)).toEqual(['recall w1 2'])
    expect(d.cancelled(1, 2)).toEqual([])
    expect(orderOf(d)).toEqual([2])
    expect(d.result(1, 1)).toEqual(['settle 1 ok', 'release w1'])
  })

  test('an idle worker that retires is released at once and gets nothing more', () => {
    const d = harness()
    d.worker(1)
    expect(d.retire(1)).toEqual(['release w1'])
    expect(d.accept(1)).toEqual([])
  })

  test('when no worker will come, all that waits is refused', () => {
    const d = harness()
    d.accept(1)
    d.accept(2)
    expect(d.tell({ kind: 'refuse', message: 'unregistered' })).toEqual([
      'settle 1 refused',
      'settle 2 refused',
    ])
    expect(d.state.live).toBe(0)
  })
})
