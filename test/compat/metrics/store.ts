/** The model store of the scenes: one archive, by the original archiver. */
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Original } from '../original.js'

/** Writes the archive into `folder`. */
export async function makeStore(folder: string, { archiver }: Original): Promise<void> {
  await mkdir(folder, { recursive: true })
  // From the project's root: the recorder runs as a bundle, which stands elsewhere.
  const handler = join(process.cwd(), 'test/compat/metrics/models/gauge.py')
  const words = ['--model-name', 'gauge', '--version', '1.0', '--handler', handler]
  execFileSync(archiver, [...words, '--export-path', folder])
}
