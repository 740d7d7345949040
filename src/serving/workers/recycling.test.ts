/** Which workers have served long enough. */
import { expect, test } from 'vitest'
import { causeToRecycle, type RecycleContext, type Wear } from './recycling.js'

const MIB = 2 ** 20
const old: Wear = { pid: 1, jobs: 10, startedMs: 0, readyMs: 2000, readyBytes: 0 }
const rules = { afterJobs: 0, aboveBytes: 0 }
const now = { rules, residentBytes: 300 * MIB, nowMs: 62_000 }

test.each<[string, Partial<Wear>, Partial<RecycleContext>, string | undefined]>([
  ['no bound', {}, {}, undefined],
  ['fewer jobs than its bound', {}, { rules: { ...rules, afterJobs: 11 } }, undefined],
  [
    'as many jobs as its bound',
    {},
    { rules: { ...rules, afterJobs: 10 } },
    'jobs: it has answered 10 of 10 jobs after 60 s',
  ],
  [
    'more memory than its bound, of which it had most from the start',
    { readyBytes: 250 * MIB },
    { rules: { ...rules, aboveBytes: 200 * MIB } },
    undefined,
  ],
  [
    'a quarter more memory than from the start, where its bound was too low for that',
    { readyBytes: 200 * MIB },
    { rules: { ...rules, aboveBytes: 100 * MIB } },
    'memory: it has grown to 300 of 250 MiB after 60 s',
  ],
  [
    'more memory than its bound soon after its start',
    {},
    { rules: { ...rules, aboveBytes: 150 * MIB }, nowMs: 9_000 },
    undefined,
  ],
  [
    'twice the memory of its bound soon after its start',
    {},
    { rules: { ...rules, aboveBytes: 149 * MIB }, nowMs: 9_000 },
    'memory: it has grown to 300 of 149 MiB after 7 s',
  ],
  ['as much memory as its bound', {}, { rules: { ...rules, aboveBytes: 300 * MIB } }, undefined],
  [
    'more memory than its bound',
    {},
    { rules: { ...rules, aboveBytes: 200 * MIB } },
    'memory: it has grown to 300 of 200 MiB after 60 s',
  ],
  [
    'memory that was not looked at',
    {},
    { rules: { ...rules, aboveBytes: 200 * MIB }, residentBytes: undefined },
    undefined,
  ],
  [
    'both too many jobs and too much memory',
    {},
    { rules: { afterJobs: 1, aboveBytes: 1 } },
    'jobs: it has answered 10 of 1 jobs after 60 s',
  ],
  [
    'too many jobs, but has not yet served four times as long as it took to start',
    {},
    { rules: { ...rules, afterJobs: 1 }, nowMs: 9_999 },
    undefined,
  ],
  [
    'too many jobs, and has served four times as long as it took to start',
    {},
    { rules: { ...rules, afterJobs: 1 }, nowMs: 10_000 },
    'jobs: it has answered 10 of 1 jobs after 8 s',
  ],
])('a worker with %s', (_, wear, context, cause) => {
  const found = causeToRecycle({ ...old, ...wear }, { ...now, ...context })
  expect(found && `${found.kind}: ${found.why}`).toBe(cause)
})
