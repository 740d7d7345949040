/**
 * Thousands of random histories of one dispatcher with simulated workers that keep the protocol's rules, over lines
 * that deliver late: whatever the order of events, the promises of design §3 hold.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JobKey, UpMessage } from '../../protocol/messages.js'
import { refusalOf } from './admission.js'
import { PRIORITIES, type Priority } from './priority.js'
import { createDispatchState, waitingJobs, type DispatchEffect } from './state.js'
import type { DispatchEvent, DispatchOptions, Ending, WorkerId } from './state.js'
import { assign } from './dispatcher.js'
import type { InferenceRequest, LiveJob } from '../job.js'

type Kind = 'plain' | 'poison' | 'stream' | 'sequence' | 'describe'
type Up = Extract<UpMessage, { kind: 'started' | 'cancelled' | 'chunk' | 'result' }>
type Down = { kind: 'jobs'; start: boolean; keys: JobKey[] } | { kind: 'cancel'; keys: JobKey[] }

const timing = { preprocessUs: 0, inferenceUs: 0, postprocessUs: 0, batch: 1 }
const ok = { kind: 'ok', status: 200, headers: {}, body: { kind: 'inline', data: new Uint8Array() } } as const

/** A worker as messages.ts describes it, which runs one batch at a time and dies of poison. */
class SimWorker {
  down: Down[] = []
  up: Up[] = []
  ahead: JobKey[] = []
  running: JobKey[] = []
  killed = false
  readonly id: WorkerId
  readonly batchSize: number
  readonly isPoison: (key: JobKey) => boolean

  constructor(id: WorkerId, batchSize: number, isPoison: (key: JobKey) => boolean) {
    this.id = id
    this.batchSize = batchSize
    this.isPoison = isPoison
  }

  /** Reads one frame; an idle worker starts at once. */
  read(): void {
    const frame = this.down.shift()
    if (frame?.kind === 'cancel') {
      const back = frame.keys.filter((key) => this.ahead.includes(key))
      this.ahead = this.ahead.filter((key) => !back.includes(key))
      if (back.length > 0) this.up.push({ kind: 'cancelled', keys: back })
    } else if (frame?.start) {
      expect(this.running.concat(this.ahead), 'start: true is for idle workers').toEqual([])
      this.run(frame.keys)
    } else if (frame) {
      this.ahead.push(...frame.keys)
      this.startNext()
    }
  }

  finishOne(): void {
    const key = this.running.shift()
    if (key === undefined) return
    this.up.push({ kind: 'result', key, outcome: ok, timing })
    this.startNext()
  }

  private startNext(): void {
    if (this.running.length > 0 || this.ahead.length === 0 || this.killed) return
    const keys = this.ahead.splice(0, this.batchSize)
    this.up.push({ kind: 'started', keys })
    this.run(keys)
  }

  private run(keys: JobKey[]): void {
    this.running = [...keys]
    if (keys.some(this.isPoison)) this.killed = true
  }
}

interface Wish {
  readonly priority: Priority
  readonly deadlineMs?: number | undefined
}

interface Facts {
  job: LiveJob
  kind: Kind
  endings: Ending[]
  chunks: number
  hungUp: boolean
}

/** The dispatcher, its workers and everything that was observed. */
class World {
  now = 0
  wakeMs = Infinity
  state
  workers = new Map<WorkerId, SimWorker>()
  facts = new Map<JobKey, Facts>()
  released: WorkerId[] = []
  nextWorker = 1
  nextKey = 1
  readonly options: DispatchOptions

  constructor(options: DispatchOptions) {
    this.options = options
    this.state = createDispatchState(options)
  }

  tell(event: DispatchEvent): void {
    for (const effect of assign(this.state, event, this.now)) this.perform(effect)
    this.check()
  }

  accept(kind: Kind, { priority, deadlineMs }: Wish): void {
    if (refusalOf(this.state)) return
    const job = fakeJob(this.nextKey++, { kind, deadlineMs, priority, nowMs: this.now })
    this.facts.set(job.key, { job, kind, endings: [], chunks: 0, hungUp: false })
    this.tell({ kind: 'accepted', job })
  }

  addWorker(): void {
    const id = this.nextWorker++ as WorkerId
    const isPoison = (key: JobKey) => this.facts.get(key)?.kind === 'poison'
    this.workers.set(id, new SimWorker(id, this.options.batchSize, isPoison))
    this.tell({ kind: 'credit', worker: id, credit: 2 * this.options.batchSize })
  }

  /** Moves messages one step and lets a dead worker's end arrive after all that it had written. */
  deliver(worker: SimWorker): void {
    const message = worker.up.shift()
    if (message) {
      if (message.kind === 'chunk') {
        this.tell({ kind: 'chunk', worker: worker.id, key: message.key, chunk: { body: message.body } })
      } else this.tell({ ...message, worker: worker.id })
    } else if (worker.killed) {
      this.workers.delete(worker.id)
      const death = { message: 'killed', stderr: [], blame: true }
      this.tell({ kind: 'died', worker: worker.id, death })
    }
  }

  advance(byMs: number): void {
    const end = this.now + byMs
    while (this.wakeMs <= end) {
      this.now = Math.max(this.now, this.wakeMs)
      this.wakeMs = Infinity
      this.tell({ kind: 'tick' })
    }
    this.now = end
  }

  private perform(effect: DispatchEffect): void {
    switch (effect.kind) {
      case 'send': {
        const worker = this.workers.get(effect.worker)
        const keys = effect.jobs.map((job) => job.key)
        for (const priority of PRIORITIES) {
          const left = [...this.state.queue].filter((entry) => entry.priority === priority)
          const sent = effect.jobs
            .filter(({ request }) => request.priority === priority)
            .map(({ key }) => key)
          for (const { job } of left)
            expect(job.key, 'oldest first').toBeGreaterThan(Math.max(...sent, -Infinity))
          expect(sent, 'in order within one message').toEqual([...sent].sort((a, b) => a - b))
        }
        worker?.down.push({ kind: 'jobs', start: effect.start, keys })
        break
      }
      case 'recall':
        this.workers.get(effect.worker)?.down.push({ kind: 'cancel', keys: [...effect.keys] })
        break
      case 'emit': {
        const facts = this.facts.get(effect.job.key)
        expect(facts?.endings, 'no chunk after the end').toEqual([])
        if (facts) facts.chunks++
        break
      }
      case 'settle': {
        const facts = this.facts.get(effect.job.key)
        expect(facts?.endings, 'settles once').toEqual([])
        facts?.endings.push(effect.ending)
        break
      }
      case 'kill': {
        const worker = this.workers.get(effect.worker)
        if (worker) worker.killed = true
        break
      }
      case 'release':
        expect(this.released).not.toContain(effect.worker)
        this.released.push(effect.worker)
        this.workers.delete(effect.worker)
        break
      case 'wakeAt':
        this.wakeMs = effect.atMs
        break
      default:
        effect satisfies never
    }
  }

  /** What must hold after each event. */
  private check(): void {
    const { state } = this
    let ahead = 0
    for (const seat of state.seats.values()) {
      expect(seat.held.length, 'within credit').toBeLessThanOrEqual(seat.credit)
      const places = seat.held.map((entry) => entry.place)
      const sent = places.filter((place) => place.kind === 'sent')
      expect(sent.filter((place) => !place.recalled)).toHaveLength(seat.ahead)
      expect(sent.filter((place) => place.recalled)).toHaveLength(seat.recalled)
      for (const { place, settled } of seat.held) if (place.kind === 'sent' && !settled) ahead++
      const isIdle = seat.phase === 'serving' && seat.held.length === 0
      expect(state.idle.includes(seat)).toBe(isIdle)
    }
    expect(state.aheadWaiting).toBe(ahead)
    expect([...state.queue]).toHaveLength(state.queue.length)
    expect(state.live, 'every live job is somewhere').toBe(state.queue.length + this.heldLive())
    if (state.idle.length === 0) return
    if (!state.options.fixedBatches) expect(state.queue.length, 'no worker idle while one waits').toBe(0)
    else if (state.queue.length > 0) expect(this.wakeMs).toBeLessThan(Infinity)
    const unasked = [...state.seats.values()].filter((seat) => seat.phase === 'serving' && seat.ahead > 0)
    const asked = [...state.seats.values()].filter((seat) => seat.recalled > 0)
    if (unasked.length > asked.length && asked.length < state.idle.length) {
      expect(this.wakeMs, 'a recall is under way or soon').toBeLessThanOrEqual(this.now + 1)
    }
  }

  private heldLive(): number {
    const held = [...this.state.seats.values()].flatMap((seat) => seat.held)
    return held.filter((entry) => !entry.settled).length
  }
}

function fakeJob(
  key: number,
  { kind, deadlineMs = Infinity, priority, nowMs }: Wish & { kind: Kind; nowMs: number },
): LiveJob {
  const request: InferenceRequest = {
    id: `r${key}`,
    model: 'm',
    version: undefined,
    operation: kind === 'describe' ? 'describe' : 'predict',
    headers: {},
    input: { kind: 'parts', parts: [] },
    signal: new AbortController().signal,
    receivedMs: nowMs,
    priority,
    ...(kind === 'sequence' ? { sequenceId: 's' } : {}),
  }
  return {
    key: key as JobKey,
    request,
    model: 'm',
    version: '1.0',
    deadlineMs,
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

type Step = (world: World) => void
const pick = (world: World, at: number): SimWorker | undefined => {
  const all = [...world.workers.values()]
  return all[at % Math.max(1, all.length)]
}
const atWorker = (act: (worker: SimWorker, world: World) => void) =>
  fc.nat(7).map((at): Step => (world) => {
    const worker = pick(world, at)
    if (worker) act(worker, world)
  })
const acceptStep = (kinds: Kind[]) =>
  fc
    .tuple(
      fc.constantFrom(...kinds),
      fc.constantFrom<Priority>('high', 'normal', 'normal', 'low'),
      fc.option(fc.integer({ min: 1, max: 60 }), { freq: 6 }),
    )
    .map(([kind, priority, after]): Step => (world) => {
      world.accept(kind, { priority, deadlineMs: after === null ? undefined : world.now + after })
    })
const read = atWorker((worker) => {
  if (!worker.killed) worker.read()
})
const finish = atWorker((worker) => {
  if (!worker.killed) worker.finishOne()
})
const deliver = atWorker((worker, world) => world.deliver(worker))
const chunk = atWorker((worker, world) => {
  const key = worker.running.find((candidate) => world.facts.get(candidate)?.kind === 'stream')
  if (key !== undefined && !worker.killed) {
    worker.up.push({ kind: 'chunk', key, body: { kind: 'inline', data: new Uint8Array() } })
  }
})
const crash = atWorker((worker) => {
  worker.killed = true
})
const retire = atWorker((worker, world) => world.tell({ kind: 'retire', worker: worker.id }))
const hangUp = fc.nat(40).map((at): Step => (world) => {
  const facts = [...world.facts.values()][at]
  if (!facts) return
  facts.hungUp = true
  world.tell({ kind: 'hung-up', key: facts.job.key })
})
const advance = fc.integer({ min: 0, max: 40 }).map(
  (ms): Step =>
    (world) =>
      world.advance(ms),
)
const addWorker = fc.constant<Step>((world) => {
  if (world.workers.size < 4) world.addWorker()
})
const flow = (kinds: Kind[]) => [
  { arbitrary: acceptStep(kinds), weight: 8 },
  { arbitrary: read, weight: 8 },
  { arbitrary: finish, weight: 6 },
  { arbitrary: deliver, weight: 10 },
  { arbitrary: advance, weight: 2 },
  { arbitrary: addWorker, weight: 1 },
]
const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 5 }),
  maxJobs: fc.constantFrom(5, Infinity),
  jobTickets: fc.boolean(),
  queueSize: fc.integer({ min: 1, max: 20 }),
  fixedBatches: fc.boolean(),
  maxBatchDelayMs: fc.integer({ min: 0, max: 30 }),
  responseTimeoutMs: fc.constant(1000),
  replayJobs: fc.boolean(),
})

/** Lets everything come to rest with two workers alive, as a supervisor would see to. */
function settleAll(world: World): void {
  for (let round = 0; world.state.live > 0; round++) {
    if (round > 5000) throw new Error(`${world.state.live} jobs never settle`)
    while ([...world.workers.values()].filter((worker) => !worker.killed).length < 2) world.addWorker()
    for (const worker of [...world.workers.values()]) {
      if (!worker.killed) worker.read()
      if (!worker.killed) worker.finishOne()
      world.deliver(worker)
    }
    world.advance(1)
  }
}

function run(given: DispatchOptions, steps: Step[]): World {
  const world = new World(given)
  world.addWorker()
  for (const step of steps) step(world)
  settleAll(world)
  for (const { endings } of world.facts.values()) expect(endings, 'each job ends').toHaveLength(1)
  expect(waitingJobs(world.state)).toBe(0)
  return world
}

test('no job is lost or settled twice, no worker idles while one waits, none is above its credit', () => {
  const kinds: Kind[] = ['plain', 'plain', 'plain', 'poison', 'stream', 'sequence', 'describe']
  const trouble = [
    { arbitrary: hangUp, weight: 2 },
    { arbitrary: crash, weight: 1 },
    { arbitrary: retire, weight: 1 },
    { arbitrary: chunk, weight: 2 },
  ]
  const steps = fc.array(fc.oneof(...flow(kinds), ...trouble), { maxLength: 120 })
  fc.assert(
    fc.property(options, steps, (given, list) => {
      const world = run(given, list)
      for (const { kind, endings, hungUp } of world.facts.values()) {
        const ending = endings[0]
        if (ending?.kind === 'cancelled') expect(hungUp).toBe(true)
        if (ending?.kind === 'answered') expect(kind).not.toBe('poison')
      }
    }),
    { numRuns: 3000 },
  )
})

test('poison fails alone: every other job is answered, whatever batches it was in', () => {
  const steps = fc.array(fc.oneof(...flow(['plain', 'plain', 'plain', 'plain', 'poison', 'describe'])), {
    maxLength: 120,
  })
  const given = options.map((some) => ({ ...some, replayJobs: true }))
  fc.assert(
    fc.property(given, steps, (some, list) => {
      const world = run(some, list)
      for (const { kind, endings, job } of world.facts.values()) {
        const ending = endings[0]
        if (ending?.kind === 'timed-out') continue // its deadline passed
        expect(ending?.kind).toBe(kind === 'poison' ? 'died' : 'answered')
        // Alone twice, and before that at most once for each halving of the largest batch.
        expect(job.timing.replays).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(some.batchSize)) + 1)
      }
    }),
    { numRuns: 2000 },
  )
})
