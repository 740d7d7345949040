/**
 * The line in which jobs wait for a worker: three lanes, each in order of arrival.
 *
 *     high    #4 ─ #9          taken first
 *     normal  #3 ─ #5 ─ #8     taken when no high one waits
 *     low     #1               taken when nothing else waits
 *
 * Nobody starves: a lane from which nothing was taken while {@link PASSED_OVER_LIMIT} jobs of lanes above it were is next,
 * for one job. So a lane below gets at least one place in nine, however many come above it.
 */
import { LinkedQueue, type Link } from './queue.js'

/** How soon a job is wanted, most urgent first. */
export const PRIORITIES = ['high', 'normal', 'low'] as const
/** One of {@link PRIORITIES}. */
export type Priority = (typeof PRIORITIES)[number]

/** Jobs of lanes above that go before a waiting job at the head of its lane. */
export const PASSED_OVER_LIMIT = 8

/** What the queue needs of its elements. */
export interface Waiting<T> extends Link<T> {
  readonly priority: Priority
}

interface Lane<T extends Waiting<T>> {
  readonly queue: LinkedQueue<T>
  /** Jobs taken from lanes above while one waited here. */
  passedOver: number
}

/** A queue of `T` by priority, and in order of arrival within each. All operations but `restore` are O(1). */
export class PriorityQueue<T extends Waiting<T>> {
  /** By priority, most urgent first. */
  readonly #lanes: readonly [Lane<T>, Lane<T>, Lane<T>] = [createLane(), createLane(), createLane()]
  length = 0

  /** Who is to be taken next. */
  get head(): T | undefined {
    const [high, normal, low] = this.#lanes
    // The lowest first: taking from it passes nobody over.
    if (low.passedOver >= PASSED_OVER_LIMIT) return low.queue.head
    if (normal.passedOver >= PASSED_OVER_LIMIT) return normal.queue.head
    return high.queue.head ?? normal.queue.head ?? low.queue.head
  }

  /** Who arrived first. */
  get oldest(): T | undefined {
    let oldest: T | undefined
    for (const { queue } of this.#lanes) {
      if (queue.head && (!oldest || queue.head.order < oldest.order)) oldest = queue.head
    }
    return oldest
  }

  /** Adds the newest element. */
  append(entry: T): void {
    this.#laneOf(entry).queue.append(entry)
    this.length++
  }

  /** Puts an element back where its order belongs in its lane. */
  restore(entry: T): void {
    this.#laneOf(entry).queue.restore(entry)
    this.length++
  }

  /** Takes out an element that goes to a worker, and counts it against those that it goes before. */
  take(entry: T): void {
    const lane = this.#laneOf(entry)
    lane.passedOver = 0
    this.remove(entry)
    for (let below = this.#lanes.indexOf(lane) + 1; below < this.#lanes.length; below++) {
      const other = this.#lanes[below]
      if (other?.queue.head) other.passedOver++
    }
  }

  /** Takes out an element that nobody wants any more, wherever it stands. */
  remove(entry: T): void {
    const lane = this.#laneOf(entry)
    lane.queue.remove(entry)
    if (!lane.queue.head) lane.passedOver = 0
    this.length--
  }

  /** Lane by lane, the most urgent first. */
  *[Symbol.iterator](): Generator<T> {
    for (const { queue } of this.#lanes) yield* queue
  }

  #laneOf({ priority }: T): Lane<T> {
    const [high, normal, low] = this.#lanes
    if (priority === 'normal') return normal
    return priority === 'high' ? high : low
  }
}

const createLane = <T extends Waiting<T>>(): Lane<T> => ({ queue: new LinkedQueue(), passedOver: 0 })
