/** The line of waiting jobs, against the plainest model of it: three arrays. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PASSED_OVER_LIMIT, PRIORITIES, PriorityQueue, type Priority, type Waiting } from './priority.js'

interface Entry extends Waiting<Entry> {
  readonly order: number
}

const entry = (order: number, priority: Priority): Entry => ({
  order,
  priority,
  prev: undefined,
  next: undefined,
})
const rank = ({ priority }: Entry) => PRIORITIES.indexOf(priority)

type Step =
  | { readonly kind: 'append'; readonly priority: Priority }
  | { readonly kind: 'take' }
  /** Somebody in the middle hangs up. */
  | { readonly kind: 'remove'; readonly at: number }
  /** Somebody who was taken comes back. */
  | { readonly kind: 'restore'; readonly at: number }

const priority = fc.constantFrom(...PRIORITIES)
const steps = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant('append' as const), priority }), weight: 5 },
    { arbitrary: fc.record({ kind: fc.constant('take' as const) }), weight: 4 },
    { arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }), weight: 1 },
    { arbitrary: fc.record({ kind: fc.constant('restore' as const), at: fc.nat(20) }), weight: 1 },
  ),
  { maxLength: 200 },
)

/** A queue, who waits in it by our own book, and who has been taken. */
class Line {
  readonly queue = new PriorityQueue<Entry>()
  waiting: Entry[] = []
  readonly taken: Entry[] = []
  nextOrder = 1

  do(step: Step): Entry | undefined {
    switch (step.kind) {
      case 'append':
        return this.#enter(entry(this.nextOrder++, step.priority), 'append')
      case 'restore': {
        const [back] = this.taken.splice(step.at, 1)
        return back && this.#enter(back, 'restore')
      }
      case 'remove': {
        const gone = this.waiting[step.at]
        if (gone) this.#leave(gone, 'remove')
        return gone
      }
      case 'take': {
        const { head } = this.queue
        if (head) {
          this.#leave(head, 'take')
          this.taken.push(head)
        }
        return head
      }
    }
  }

  #enter(one: Entry, how: 'append' | 'restore'): Entry {
    this.queue[how](one)
    this.waiting.push(one)
    return one
  }

  #leave(one: Entry, how: 'remove' | 'take'): void {
    this.queue[how](one)
    this.waiting = this.waiting.filter((other) => other !== one)
  }
}

test('within a lane the oldest goes first, and nobody is lost or doubled', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const line = new Line()
      for (const step of list) {
        const before = line.waiting
        const one = line.do(step)
        if (step.kind === 'take') {
          expect(one === undefined).toBe(before.length === 0)
          const older = before.filter((other) => one && rank(other) === rank(one) && other.order < one.order)
          expect(older).toEqual([])
        }
        const inOrder = line.waiting.toSorted((a, b) => rank(a) - rank(b) || a.order - b.order)
        expect([...line.queue]).toEqual(inOrder)
        expect(line.queue.length).toBe(line.waiting.length)
        expect(line.queue.oldest).toBe(line.waiting.toSorted((a, b) => a.order - b.order)[0])
      }
    }),
  )
})

test('a more urgent job goes before a less urgent one, unless that one has been passed over as often as it may', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const line = new Line()
      // For each lane: how many were taken from lanes above while one waited there.
      let passedOver = [0, 0, 0]
      for (const step of list) {
        const before = line.waiting
        const one = line.do(step)
        if (step.kind === 'take' && one) {
          const urgent = before.filter((other) => rank(other) < rank(one))
          if (urgent.length > 0) expect(passedOver[rank(one)]).toBe(PASSED_OVER_LIMIT)
          passedOver = passedOver.map((count, lane) =>
            lane === rank(one) ? 0 : lane > rank(one) ? count + 1 : count,
          )
        }
        passedOver = passedOver.map((count, lane) =>
          line.waiting.some((other) => rank(other) === lane) ? count : 0,
        )
        // One lane may have to let the other go first once, and no more.
        for (const count of passedOver) expect(count).toBeLessThanOrEqual(PASSED_OVER_LIMIT + 1)
      }
    }),
  )
})

test('however many urgent jobs come, a low one is taken after at most as many as may pass it over', () => {
  const line = new Line()
  const low = line.do({ kind: 'append', priority: 'low' })
  let taken = 0
  for (let next: Entry | undefined; next !== low; taken++) {
    line.do({ kind: 'append', priority: 'high' })
    line.do({ kind: 'append', priority: 'normal' })
    next = line.do({ kind: 'take' })
  }
  expect(taken).toBe(PASSED_OVER_LIMIT + 1)
})
