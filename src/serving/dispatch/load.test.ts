/** How long jobs have waited, and how many workers are at work, read from a dispatcher. */
import { expect, test } from 'vitest'
import type { HandlerTiming, JobKey } from '../../protocol/messages.js'
import { createJob } from '../create-job.js'
import { loadOf } from './load.js'
import { createDispatchState, type WorkerId } from './state.js'
import { assign } from './dispatcher.js'

const options = {
  batchSize: 1,
  queueSize: 10,
  maxJobs: Infinity,
  jobTickets: false,
  fixedBatches: false,
  maxBatchDelayMs: 0,
  responseTimeoutMs: 10_000,
  replayJobs: true,
}
const one = 1 as WorkerId
const two = 2 as WorkerId
const timing: HandlerTiming = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: 1 }

/** A dispatcher that is given jobs by number. */
function dispatcher() {
  const state = createDispatchState(options)
  const accept = (key: number, nowMs: number) => {
    const request = {
      id: String(key),
      model: 'm',
      version: undefined,
      operation: 'predict' as const,
      headers: {},
      input: { kind: 'parts' as const, parts: [] },
      signal: new AbortController().signal,
      receivedMs: nowMs,
    }
    const job = createJob(request, { key: key as JobKey, version: '1.0', nowMs, clientTimeoutMs: Infinity })
    assign(state, { kind: 'accepted', job }, nowMs)
  }
  const answer = (worker: WorkerId, key: number, nowMs: number) => {
    const outcome = {
      kind: 'ok' as const,
      status: 200,
      headers: {},
      body: { kind: 'inline' as const, data: new Uint8Array() },
    }
    assign(state, { kind: 'result', worker, key: key as JobKey, outcome, timing }, nowMs)
  }
  return { state, accept, answer }
}

test('nothing waits without jobs, nor while each has its worker', () => {
  const { state, accept } = dispatcher()
  for (const worker of [one, two]) assign(state, { kind: 'credit', worker, credit: 2 }, 0)
  expect(loadOf(state, 100)).toEqual({ waitedMs: 0, busy: 0 })
  accept(1, 100)
  accept(2, 100)
  expect(loadOf(state, 900)).toEqual({ waitedMs: 0, busy: 2 })
})

test('a job waits until a worker starts on it, whether here or sent ahead', () => {
  const { state, accept, answer } = dispatcher()
  assign(state, { kind: 'credit', worker: one, credit: 2 }, 0)
  accept(1, 0)
  accept(2, 100) // ahead at the worker
  accept(3, 200) // in the queue
  expect(loadOf(state, 500)).toEqual({ waitedMs: 400, busy: 1 })
  answer(one, 1, 600)
  assign(state, { kind: 'started', worker: one, keys: [2 as JobKey] }, 600)
  expect(loadOf(state, 700)).toEqual({ waitedMs: 500, busy: 1 })
})

test('jobs wait where there is no worker at all', () => {
  const { state, accept } = dispatcher()
  accept(1, 50)
  expect(loadOf(state, 80)).toEqual({ waitedMs: 30, busy: 0 })
})
