/** One run at a time in a project: each run claims the project in `.cache/locks`. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { claim } from '../claims.js'
import { locked } from './errors.js'

/** Two runs that start in the same instant see each other, and both step back: they try again this often. */
const ATTEMPTS = 5
const STEP_BACK_MS = 50

/**
 * Takes the lock of a project's folder; the returned function gives it back.
 * @throws MarinaError `conflict` naming the process that holds it
 */
export async function takeLock(folder: string): Promise<() => Promise<void>> {
  const place = join(folder, '.cache', 'locks')
  await mkdir(place, { recursive: true })
  for (let attempt = 1; ; attempt++) {
    const claimed = await claim(place)
    if (claimed.kind === 'held') return claimed.release
    if (attempt === ATTEMPTS) throw locked(folder, claimed.by)
    await setTimeout(Math.random() * STEP_BACK_MS * attempt)
  }
}
