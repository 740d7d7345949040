/** Which slots of a server start when. */
import { expect, test } from 'vitest'
import { manualClock } from '../../clock.js'
import { StartQueue } from './start-queue.js'

function starts(cores: number) {
  const clock = manualClock()
  const queue = new StartQueue(clock, cores)
  const started: string[] = []
  const ends = new Map<string, { ready: () => void; failed: () => void }>()
  const enter = (name: string, rank: number) => {
    const ready = new Promise<void>((resolve, reject) =>
      ends.set(name, { ready: resolve, failed: () => reject(new Error(name)) }),
    )
    ready.catch(() => undefined)
    queue.enter({ start: () => started.push(name), ready }, rank)
  }
  const end = async (name: string, how: 'ready' | 'failed') => {
    ends.get(name)?.[how]()
    await Promise.resolve().then(() => undefined)
  }
  return { clock, started, enter, end }
}

test('two start at once on two cores; the next when one of them is ready, or has failed', async () => {
  const { started, enter, end } = starts(2)
  for (const [rank, name] of ['a', 'b', 'c', 'd', 'e'].entries()) enter(name, rank)
  expect(started).toEqual(['a', 'b'])
  await end('b', 'ready')
  expect(started).toEqual(['a', 'b', 'c'])
  await end('a', 'failed')
  expect(started).toEqual(['a', 'b', 'c', 'd'])
})

test('the first worker of a model comes before the second of any other', async () => {
  const { started, enter, end } = starts(2)
  for (const [rank, name] of ['a0', 'a1', 'a2', 'a3'].entries()) enter(name, rank)
  for (const [rank, name] of ['b0', 'b1'].entries()) enter(name, rank)
  await end('a0', 'ready')
  await end('a1', 'ready')
  await end('b0', 'ready')
  await end('b1', 'ready')
  expect(started).toEqual(['a0', 'a1', 'b0', 'b1', 'a2', 'a3'])
})

test('first workers may take all cores, the others half of them', () => {
  const { started, enter } = starts(8)
  for (let rank = 1; rank < 10; rank++) enter(`a${rank}`, rank)
  expect(started).toHaveLength(4)
  for (let at = 0; at < 10; at++) enter(`first${at}`, 0)
  expect(started).toHaveLength(8)
})

test('a load that takes long gives its place to the next one after ten seconds, and only once', async () => {
  const { clock, started, enter, end } = starts(2)
  for (const [rank, name] of ['a', 'b', 'c', 'd', 'e'].entries()) enter(name, rank)
  clock.advance(9_999)
  expect(started).toEqual(['a', 'b'])
  clock.advance(1)
  expect(started).toEqual(['a', 'b', 'c', 'd'])
  await end('a', 'ready')
  expect(started).toEqual(['a', 'b', 'c', 'd'])
})
