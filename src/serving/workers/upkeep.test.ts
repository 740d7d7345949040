/** One timer for all that is looked after. */
import { expect, test } from 'vitest'
import { manualClock } from '../../clock.js'
import { LOOK_EVERY_MS, Upkeep } from './upkeep.js'

test('all are looked at together, by one timer, which ends with the last of them', () => {
  const clock = manualClock()
  let timers = 0
  const upkeep = new Upkeep({
    ...clock,
    wakeIn(delayMs, wake) {
      timers++
      return clock.wakeIn(delayMs, wake)
    },
  })
  const looks: string[] = []
  const a = { tend: () => looks.push('a') }
  const b = { tend: () => looks.push('b') }
  upkeep.add(a)
  upkeep.add(b)
  upkeep.add(a)
  clock.advance(2 * LOOK_EVERY_MS)
  expect(looks.join('')).toBe('abab')
  expect(timers).toBe(3)

  upkeep.remove(a)
  upkeep.remove(b)
  clock.advance(10 * LOOK_EVERY_MS)
  expect(looks).toHaveLength(4)
  expect(timers).toBe(3)

  upkeep.add(b)
  clock.advance(LOOK_EVERY_MS)
  expect(looks.join('')).toBe('ababb')
})
