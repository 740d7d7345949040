/**
 * Packing 1 GB of random weights with three extra files, deflated, by `torch-model-archiver` here and by the original
 * 0.12.0 (which test/compat/archiver/record.py installs). `--quick`: 128 MB.
 *
 *     npm run build && node bench/archive-deflate.mjs
 */
import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { usageOf } from './child-usage.mjs'
import { runDirectly } from './table.mjs'

/** Of the original's time; peak memory; size against the original's. */
const LIMITS = { time: 0.5, peakMb: 150, size: 1.01 }
const MB = 1 << 20
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

function original() {
  const ask = 'import sys; sys.path.insert(0, sys.argv[1]); import record; print(record.original())'
  return execFileSync('python3', ['-c', ask, here('../test/compat/archiver')], { encoding: 'utf8' }).trim()
}

/** Deflate looks back 32 KB, so 64 MB of numbers over and over are to it as good as new ones. */
function writeWeights(file, { kind, mb }) {
  const block = new Float32Array((64 * MB) / 4)
  if (kind === 'bytes')
    for (let mb = 0; mb < 64; mb++) randomFillSync(new Uint8Array(block.buffer, mb * MB, MB))
  else
    for (let n = 0; n < block.length; n++)
      block[n] = 0.02 * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  writeFileSync(file, '')
  for (let written = 0; written < mb; written += 64) appendFileSync(file, new Uint8Array(block.buffer))
}

function measure(kind, { mb, cwd, archiver }) {
  writeWeights(join(cwd, 'model.pt'), { kind, mb })
  const words =
    '--version 1.0 --handler handler.py --serialized-file model.pt --extra-files a.bin,b.bin,c.bin --force'
  const pack = (name, command) => {
    const usage = usageOf([...command, '--model-name', name, ...words.split(' ')], { cwd })
    const bytes = statSync(join(cwd, `${name}.mar`)).size
    rmSync(join(cwd, `${name}.mar`))
    return { ...usage, bytes }
  }
  return {
    ours: pack('ours', [execPath, here('../bin/torch-model-archiver.js')]),
    other: pack('other', [archiver]),
  }
}

const rowsOf = (kind, { ours, other }) => {
  const row = (what, [a, b], { limit, ok = limit === '' || a / b <= limit }) => {
    return { what: `${kind}: ${what}`, ours: a, other: b, ratio: a / b, limit, ok }
  }
  const peaks = [ours.peakBytes / MB, other.peakBytes / MB]
  return [
    row('seconds', [ours.seconds, other.seconds], { limit: LIMITS.time }),
    row('seconds of processor', [ours.cpuSeconds, other.cpuSeconds], { limit: '' }),
    row('peak MB', peaks, { limit: `${LIMITS.peakMb} MB`, ok: peaks[0] <= LIMITS.peakMb }),
    row('size in MB', [ours.bytes / MB, other.bytes / MB], { limit: LIMITS.size }),
  ]
}

/** Times are single runs: each is long enough. */
export default async function run({ quick }) {
  const cwd = mkdtempSync(join(tmpdir(), 'bench-archive-deflate-'))
  try {
    writeFileSync(join(cwd, 'handler.py'), 'def handle(data, context):\n    return data\n')
    for (const name of ['a', 'b', 'c'])
      writeFileSync(join(cwd, `${name}.bin`), randomFillSync(Buffer.alloc(MB)))
    const options = { mb: quick ? 128 : 1024, cwd, archiver: original() }
    const rows = ['floats', 'bytes'].flatMap((kind) => rowsOf(kind, measure(kind, options)))
    return {
      title: `torch-model-archiver deflates ${options.mb} MB of random weights, against the original 0.12.0`,
      rows,
      notes: [`${availableParallelism()} cores, ${cpus()[0]?.model}, Node ${process.version}`],
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

await runDirectly(import.meta.url, run)
