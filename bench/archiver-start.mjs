/**
 * From the start of `torch-model-archiver` to its end, for a small archive, against a bare `node -e 0`, in alternating
 * rounds of one run.
 *
 *     npm run build && node bench/archiver-start.mjs
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { usageOf } from './child-usage.mjs'
import { median, runDirectly } from './table.mjs'

/** At most so much above a bare node. */
const LIMIT_MS = 60
const command = fileURLToPath(new URL('../bin/torch-model-archiver.js', import.meta.url))

/** `ratio` is the difference in milliseconds. */
export default async function run({ quick }) {
  const cwd = mkdtempSync(join(tmpdir(), 'bench-archiver-start-'))
  try {
    writeFileSync(join(cwd, 'handler.py'), 'def handle(data, context):\n    return data\n')
    writeFileSync(join(cwd, 'model.pt'), 'weights')
    const words =
      '--model-name m --version 1.0 --handler handler.py --serialized-file model.pt --force'.split(' ')
    const sides = { bare: ['-e', '0'], archiver: [command, ...words] }
    const taken = { bare: [], archiver: [] }
    for (let round = 0; round < (quick ? 9 : 31); round++)
      for (const [side, args] of Object.entries(sides))
        taken[side].push(usageOf([execPath, ...args], { cwd }))
    const row = (what, { key, of }) => {
      const [ours, other] = ['archiver', 'bare'].map((side) => 1000 * of(taken[side].map((one) => one[key])))
      return { what, ours, other, ratio: ours - other, limit: LIMIT_MS, ok: ours - other <= LIMIT_MS }
    }
    return {
      title: 'torch-model-archiver, a small archive, against a bare node -e 0 (the ratio is the difference)',
      rows: [
        row('ms of processor, median', { key: 'cpuSeconds', of: median }),
        // What other programs take from the clock only adds to it.
        row('ms, fastest round', { key: 'seconds', of: (all) => Math.min(...all) }),
      ],
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

await runDirectly(import.meta.url, run)
