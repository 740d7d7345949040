/**
 * One lane of the line in which jobs wait for a worker: a doubly linked list whose links are in the entries themselves.
 *
 *     head (oldest)                                tail (newest)
 *       │  ┌────┐ next ┌────┐ next ┌────┐            │
 *       └─▶│ #3 │─────▶│ #4 │─────▶│ #9 │◀───────────┘     # = order of arrival, always rising
 *          │    │◀─────│    │◀─────│    │
 *          └────┘ prev └────┘ prev └────┘
 *
 * A list and not an array, because callers hang up in the middle of it and jobs come back to the head of it: taking
 * the head, adding at the tail and removing anywhere are O(1). A job that comes back is put where its order belongs,
 * found from the head: behind only those that came back before it and are older.
 */

/** What the list needs of its elements; `order`, `prev` and `next` are the list's to read and write. */
export interface Link<T> {
  /** Arrival number, unique within one list. */
  readonly order: number
  prev: T | undefined
  next: T | undefined
}

/** A queue of `T` in order of arrival. An element stands in at most one queue, at most once. */
export class LinkedQueue<T extends Link<T>> {
  head: T | undefined
  tail: T | undefined
  length = 0

  /** Adds the newest element. */
  append(entry: T): void {
    this.#insertAfter(this.tail, entry)
  }

  /** Puts an element back where its order belongs. */
  restore(entry: T): void {
    let older: T | undefined
    for (let at = this.head; at && at.order < entry.order; at = at.next) older = at
    this.#insertAfter(older, entry)
  }

  /** Takes an element out, wherever it stands; it must stand in this queue. */
  remove(entry: T): void {
    if (entry.prev) entry.prev.next = entry.next
    else this.head = entry.next
    if (entry.next) entry.next.prev = entry.prev
    else this.tail = entry.prev
    entry.prev = undefined
    entry.next = undefined
    this.length--
  }

  *[Symbol.iterator](): Generator<T> {
    for (let at = this.head; at;) {
      const next = at.next // read first: the caller may remove `at`
      yield at
      at = next
    }
  }

  #insertAfter(older: T | undefined, entry: T): void {
    const younger = older ? older.next : this.head
    entry.prev = older
    entry.next = younger
    if (older) older.next = entry
    else this.head = entry
    if (younger) younger.prev = entry
    else this.tail = entry
    this.length++
  }
}
