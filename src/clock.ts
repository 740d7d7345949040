/** Where all code that waits or measures reads the time, so that tests can move it by hand. */
export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary origin, with fractions. */
  nowMs(): number
  /** Calls `wake` once after `delayMs`; the returned function cancels it. A pending wake-up never keeps the process alive. */
  wakeIn(delayMs: number, wake: () => void): () => void
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wakeIn(delayMs, wake) {
    // Node cuts fractions off, and what is woken early has to be woken again.
    const timer = setTimeout(wake, Math.ceil(Math.max(0, delayMs)))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves the time forward and calls what became due, in order of its time. */
  advance(byMs: number): void
}

/** Makes a {@link ManualClock} that starts at zero. */
export function manualClock(): ManualClock {
  let now = 0
  let waiting: { atMs: number; wake: () => void }[] = []
  return {
    nowMs: () => now,
    wakeIn(delayMs, wake) {
      const entry = { atMs: now + Math.max(0, delayMs), wake }
      waiting.push(entry)
      return () => {
        waiting = waiting.filter((other) => other !== entry)
      }
    },
    advance(byMs) {
      const end = now + byMs
      for (;;) {
        const due = waiting.filter((entry) => entry.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0]
        if (!due) break
        waiting = waiting.filter((entry) => entry !== due)
        now = Math.max(now, due.atMs)
        due.wake()
      }
      now = end
    },
  }
}
