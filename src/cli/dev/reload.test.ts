/** The loop of `marina dev`: which loads follow from which changes. */
import { expect, test } from 'vitest'
import { createReloader, type Reloader } from './reload.js'

/** Loads that a test ends one by one. */
function loads() {
  const files: string[] = []
  const ends: (() => void)[] = []
  const load = (file: string) => {
    files.push(file)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  const end = async () => {
    ends.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { files, load, end }
}
const change = (reloader: Reloader, file: string, writtenMs = Infinity) =>
  reloader.changed({ file, writtenMs })
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a change is loaded, and the next one after it', async () => {
  const { files, load, end } = loads()
  const reloader = createReloader(load)
  change(reloader, 'a')
  await turn()
  await end()
  change(reloader, 'b')
  await turn()
  expect(files).toEqual(['a', 'b'])
})

test('any number of changes during a load lead to one more, under the name of the last', async () => {
  const { files, load, end } = loads()
  const reloader = createReloader(load)
  change(reloader, 'a')
  await turn()
  for (const file of ['b', 'c', 'd']) change(reloader, file)
  expect(files).toEqual(['a'])
  await end()
  expect(files).toEqual(['a', 'd'])
  await end()
  expect(files).toEqual(['a', 'd'])
})

test('closing waits for the load under way, and nothing is loaded any more', async () => {
  const { files, load, end } = loads()
  const reloader = createReloader(load)
  change(reloader, 'a')
  await turn()
  change(reloader, 'b')
  let closed = false
  const closing = reloader.close().then(() => (closed = true))
  await turn()
  expect(closed).toBe(false)
  await end()
  await closing
  change(reloader, 'c')
  await turn()
  expect(files).toEqual(['a'])
})

test('a write that the last load has seen is not loaded again, and one that it may have missed is', async () => {
  const { files, load, end } = loads()
  let nowMs = 1000
  const reloader = createReloader(load, () => nowMs)
  change(reloader, 'a', 960)
  await turn()
  nowMs = 1100
  change(reloader, 'a', 960)
  await end()
  change(reloader, 'a', 960)
  await turn()
  expect(files).toEqual(['a'])
  change(reloader, 'b', 990)
  await turn()
  await end()
  expect(files).toEqual(['a', 'b'])
})
