/**
 * `marina archive` of stored weights against `cp` + `sha256sum` + `sync` of the same file, and `marina inspect` of the
 * result: every command a process of its own, medians of alternating rounds. 1 GB; `--quick`: 128 MB.
 *
 *     npm run build && node bench/archive-stored.mjs [--quick]
 */
import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const marina = fileURLToPath(new URL('../bin/marina.js', import.meta.url))
const MB = 1_000_000
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

/** Runs a command to its end: seconds, and the most memory that it held, which Linux tells in /proc. */
function timed(command, words) {
  const started = performance.now()
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  let peakBytes = 0
  const look = globalThis.setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), 10)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      globalThis.clearInterval(look)
      const seconds = (performance.now() - started) / 1000
      if (code === 0) resolve({ seconds, peakBytes })
      else reject(new Error(`${command} ${words.join(' ')} ended with ${code}`))
    })
  })
}

function peakOf(pid) {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}

function writeRandom(file, bytes) {
  const piece = Buffer.alloc(MB)
  const handle = openSync(file, 'w')
  for (let done = 0; done < bytes; done += piece.length) writeSync(handle, randomFillSync(piece))
  closeSync(handle)
}

export default async function run({ quick }) {
  const bytes = (quick ? 128 : 1000) * MB
  const rounds = quick ? 3 : 5
  const folder = mkdtempSync(join(tmpdir(), 'marina-bench-archive-'))
  const at = (name) => join(folder, name)
  try {
    writeRandom(at('model.pt'), bytes)
    for (const name of ['a.json', 'b.txt', 'c.py']) writeFileSync(at(name), 'x'.repeat(1000))
    const extra = ['a.json', 'b.txt', 'c.py'].map(at).join(',')
    const pack = ['archive', '--model-name', 'm', '--version', '1', '--handler', 'image_classifier']
    const packing = [...pack, '--serialized-file', at('model.pt'), '--extra-files', extra]
    const output = ['--export-path', folder, '--force']
    const shell = `cp ${at('model.pt')} ${at('copy')} && sha256sum ${at('copy')} && sync ${at('copy')}`
    const once = {
      ours: () => timed(process.execPath, [marina, ...packing, ...output]),
      other: () => timed('sh', ['-c', shell]),
    }
    const seen = { ours: [], other: [] }
    for (const side of ['ours', 'other']) await once[side]()
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 ? ['other', 'ours'] : ['ours', 'other'])
        seen[side].push(await once[side]())
    const looked = []
    const bare = []
    for (let round = 0; round < rounds; round++) {
      looked.push(await timed(process.execPath, [marina, 'inspect', at('m.mar')]))
      bare.push(await timed(process.execPath, ['-e', '0']))
    }
    const seconds = (list) => median(list.map((one) => one.seconds))
    const ratio = median(seen.ours.map((ours, round) => ours.seconds / seen.other[round].seconds))
    const peak = Math.max(...seen.ours.map(({ peakBytes }) => peakBytes)) / MB
    const size = `${bytes / MB} MB`
    return {
      title: `archives: ${size} of random weights and three files, stored`,
      rows: [
        row(`pack ${size}; cp + sha256sum + sync (s)`, {
          ours: seconds(seen.ours),
          other: seconds(seen.other),
          ratio,
          limit: 1.3,
          of: ratio,
        }),
        row('peak memory of packing (MB)', { ours: peak, limit: 150, of: peak }),
        row(`inspect of the ${size} archive; node -e 0 (s)`, {
          ours: seconds(looked),
          other: seconds(bare),
          limit: 0.3,
          of: seconds(looked),
        }),
      ],
      notes: [`medians of ${rounds} rounds, both sides in turn, each command a process of its own`],
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `of` is the figure that the limit bounds. */
function row(what, { ours, other, ratio, limit, of }) {
  return { what, ours: rounded(ours), other: rounded(other), ratio: rounded(ratio), limit, ok: of <= limit }
}

const rounded = (number) => (number === undefined ? undefined : Number(number.toPrecision(3)))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { title, rows, notes } = await run({ quick: process.argv.includes('--quick') })
  console.log(title)
  console.table(rows)
  for (const note of notes) console.log(note)
}
