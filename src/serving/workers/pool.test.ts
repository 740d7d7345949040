/** A pool that follows the load, over slots without processes and a clock that stands still. */
import { describe, expect, test } from 'vitest'
import { manualClock } from '../../clock.js'
import type { RecyclingRules } from '../../config/worker-life.js'
import { memoryLogger, type LogRecord } from '../../log.js'
import type { VersionSpec } from '../version-spec.js'
import { WorkerPool } from './pool.js'
import type { Slot } from './slot-host.js'
import { StartQueue } from './start-queue.js'
import { Upkeep } from './upkeep.js'

const scaling = { queueTimeMs: 200, upCooldownMs: 5000, downCooldownMs: 60_000 }

/** A slot that is ready, or fails, when the test says so. */
function slotOf(number: number) {
  let settle: { ready: () => void; fail: () => void } = { ready: () => undefined, fail: () => undefined }
  let isReady = false
  const wear = { pid: process.pid, jobs: 0, startedMs: 0, readyMs: 0, readyBytes: 0 }
  const ended: string[] = []
  const ready = new Promise<void>((resolve, reject) => {
    settle = { ready: resolve, fail: () => reject(new Error('no memory')) }
  })
  ready.catch(() => undefined)
  const slot: Slot = {
    number,
    placement: { device: 'cpu', gpus: [] },
    get wear() {
      return isReady ? wear : undefined
    },
    start: () => undefined,
    ready,
    get isReady() {
      return isReady
    },
    isGivenUp: false,
    end: (reason) => {
      ended.push(reason)
      return Promise.resolve()
    },
    send: () => undefined,
    kill: () => undefined,
    describe: () => ({
      id: String(number),
      startTime: '',
      status: isReady ? 'READY' : 'UNLOADING',
      state: 'ready',
      pid: number,
      usage: () => ({ memory: 0, gpu: undefined }),
      jobs: wear.jobs,
      restarts: 0,
      isGivenUp: false,
      lastFailure: undefined,
    }),
  }
  const come = () => {
    isReady = true
    settle.ready()
  }
  return { slot, ended, wear, come, fail: () => settle.fail() }
}

function pool({ follows = true, recycling }: { follows?: boolean; recycling?: RecyclingRules } = {}) {
  const clock = manualClock()
  const records: LogRecord[] = []
  const load = { waitedMs: 0, busy: 0 }
  const slots: ReturnType<typeof slotOf>[] = []
  const scaled: string[] = []
  const recycled: string[] = []
  const beside: number[] = []
  // Cast: a pool reads no more of a spec.
  const spec = {
    model: 'm',
    drainTimeoutMs: 1000,
    workerLife: { recoveryWindowMs: 1, scaling: follows ? scaling : undefined, recycling },
  } as VersionSpec
  const made = new WorkerPool(spec, {
    clock,
    log: memoryLogger(records),
    queue: { load: () => load, emptied: () => Promise.resolve(), refuse: () => undefined },
    createSlot: (like) => {
      const one = slotOf(slots.length)
      if (like) beside.push(like.number)
      slots.push(one)
      return one.slot
    },
    mostWorkers: Infinity,
    starts: new StartQueue(clock, 2),
    upkeep: new Upkeep(clock),
    onScaled: (direction) => scaled.push(direction),
    onRecycled: (cause) => recycled.push(cause),
    onEnded: () => undefined,
  })
  const seconds = async (count: number) => {
    for (let second = 0; second < count; second++) {
      clock.advance(1000)
      await Promise.resolve()
    }
  }
  const ids = () => made.slots.map((slot) => slot.describe().id)
  return { pool: made, clock, load, slots, scaled, recycled, beside, records, seconds, ids }
}

test('a worker is added while jobs wait, and the newest goes when nothing is to be done', async () => {
  const { pool: workers, load, slots, scaled, records, seconds, ids } = pool()
  void workers.scale({ min: 1, max: 2 })
  slots[0]?.come()
  load.waitedMs = 900
  await seconds(6)
  expect(ids()).toEqual(['0', '1'])
  expect(workers.describe().lastScaling).toMatchObject({ from: 1, to: 2 })
  slots[1]?.come()
  load.waitedMs = 0
  await seconds(61)
  expect(ids()).toEqual(['0'])
  expect(slots.map(({ ended }) => ended)).toEqual([[], ['scaled-down']])
  expect(scaled).toEqual(['up', 'down'])
  expect(records.map(({ message }) => message)).toEqual([
    'Scaled from 1 to 2 workers: a job has waited 900 ms for a worker, more than 200 ms.',
    expect.stringMatching(/^Scaled from 2 to 1 workers: in \d+ s nothing waited long/),
  ])
})

test('a worker that the load asked for and that does not start is given back, and not asked for again at once', async () => {
  const { pool: workers, load, slots, records, seconds, ids } = pool()
  void workers.scale({ min: 1, max: 3 })
  slots[0]?.come()
  load.waitedMs = 900
  await seconds(6)
  slots[1]?.fail()
  await seconds(30)
  expect(ids()).toEqual(['0'])
  expect(slots[1]?.ended).toEqual(['scaled-down'])
  expect(records.at(-1)?.message).toContain('no memory')
  await seconds(40)
  expect(ids()).toEqual(['0', '2'])
})

test.each([
  ['the least is the most', true, { min: 2, max: 2 }, 0],
  ['it is not to follow the load, which is said once', false, { min: 1, max: 4 }, 1],
])('the number stays where %s', async (_, follows, limits, said) => {
  const { pool: workers, load, slots, records, seconds, ids } = pool({ follows })
  void workers.scale(limits)
  slots.forEach(({ come }) => come())
  load.waitedMs = 900
  await seconds(60)
  expect(ids()).toHaveLength(limits.min)
  load.waitedMs = 0
  await seconds(130)
  expect(ids()).toHaveLength(limits.min)
  expect(records).toHaveLength(said)
})

test('a pool that is closed is looked at no more', async () => {
  const { pool: workers, load, slots, seconds, ids } = pool()
  void workers.scale({ min: 1, max: 2 })
  slots[0]?.come()
  load.waitedMs = 900
  await workers.close()
  await seconds(60)
  expect(ids()).toEqual([])
  expect(slots).toHaveLength(1)
})

test('a successor starts with as many workers as its predecessor has', () => {
  const { pool: workers, ids } = pool()
  void workers.scale({ min: 1, max: 4 }, 3)
  expect(ids()).toHaveLength(3)
})

describe('a worker that has served long enough', () => {
  const recycling = { afterJobs: 100, aboveBytes: 0 }

  /** Two workers, the first of which has answered its jobs, and its replacement, which starts. */
  async function worn(rules: RecyclingRules = recycling) {
    const parts = pool({ follows: false, recycling: rules })
    void parts.pool.scale({ min: 2, max: 2 })
    for (const { come } of parts.slots) come()
    await parts.seconds(1)
    expect(parts.slots).toHaveLength(2)
    const [first] = parts.slots
    if (first) first.wear.jobs = 100
    await parts.seconds(2)
    expect(parts.slots).toHaveLength(3)
    return parts
  }

  test('goes when its replacement is ready, whose place in the list is its own', async () => {
    const { pool: workers, slots, recycled, beside, records, seconds, ids } = await worn()
    expect(ids()).toEqual(['0', '1'])
    // On the device of the old one.
    expect(beside).toEqual([0])
    expect(workers.describe().workers[2]).toMatchObject({ id: '2', replaces: '0' })
    expect(slots[0]?.ended).toEqual([])
    slots[2]?.come()
    await seconds(1)
    expect(ids()).toEqual(['2', '1'])
    expect(slots.map(({ ended }) => ended)).toEqual([['recycled'], [], []])
    expect(recycled).toEqual(['jobs'])
    expect(workers.describe().lastRecycling).toMatchObject({ worker: '0', replacedBy: '2' })
    expect(workers.describe().workers).toHaveLength(2)
    expect(records.at(-1)?.message).toMatch(
      /^Worker 0 is replaced by 2: it has answered 100 of 100 jobs after \d+ s\.$/,
    )
  })

  test('waits for its turn while another one is being replaced', async () => {
    const { slots, seconds } = await worn()
    const second = slots[1]
    if (second) second.wear.jobs = 500
    await seconds(30)
    expect(slots).toHaveLength(3)
    slots[2]?.come()
    await seconds(2)
    expect(slots).toHaveLength(4)
  })

  test('goes on when its replacement does not start, for a minute at least', async () => {
    const { slots, recycled, seconds, ids, records } = await worn()
    slots[2]?.fail()
    await seconds(50)
    expect(ids()).toEqual(['0', '1'])
    expect(slots.map(({ ended }) => ended)).toEqual([[], [], ['recycled']])
    expect(recycled).toEqual([])
    expect(records.at(-1)?.message).toBe(
      'Worker 0 goes on: the one that was to replace it did not start. no memory',
    )
    await seconds(20)
    expect(slots).toHaveLength(4)
  })

  test('takes its replacement along when it is scaled away', async () => {
    const { pool: workers, slots, recycled, seconds, ids } = await worn()
    void workers.scale({ min: 0, max: 0 })
    slots[2]?.come()
    await seconds(1)
    expect(ids()).toEqual([])
    expect(slots.map(({ ended }) => ended)).toEqual([['scaled-down'], ['scaled-down'], ['scaled-down']])
    expect(recycled).toEqual([])
  })

  test('takes its replacement along when the version is closed', async () => {
    const { pool: workers, slots } = await worn()
    await workers.close()
    expect(slots.map(({ ended }) => ended)).toEqual([['unregistered'], ['unregistered'], ['unregistered']])
  })

  test('is one whose process has grown too large, read from the system', async () => {
    // This very process stands for the worker's: it has more than a byte.
    const parts = pool({ follows: false, recycling: { afterJobs: 0, aboveBytes: 1 } })
    void parts.pool.scale({ min: 1, max: 1 })
    parts.slots[0]?.come()
    await parts.seconds(3)
    parts.slots[1]?.come()
    await parts.seconds(1)
    const known = process.platform === 'linux'
    expect(parts.recycled).toEqual(known ? ['memory'] : [])
  })
})
