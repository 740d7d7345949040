/** Step 1: is this data what the network expects? A report, and a failed check stops the run, naming file and row. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { MarinaError } from 'marina'
import { defineStep } from 'marina/pipeline'
import { readNpyHeader } from 'marina/training'
import {
  openDataset,
  readShards,
  rowsOf,
  type DatasetInfo,
  type Shard,
  type ShardData,
  type Split,
} from '../dataset.js'
import { SIDE } from '../digit.js'

const CLASSES = 10
/** An image whose pixels are all darker is blank. */
const FAINTEST = 64

/** One finding; `where` names file and row. */
interface Finding {
  readonly check: string
  readonly where: string
  readonly what: string
}

export default defineStep({
  inputs: ['dataset'],
  outputs: ['report'],
  params: {
    /** The rarest class may have this share of the mean count of a class. */
    minBalance: 0.5,
    minRows: { train: 1_000, index: 500, validation: 500, test: 500 },
  },
  async run({ inputs, outputs, params, progress, log, report }) {
    const info = await openDataset(inputs.dataset)
    const findings: Finding[] = []
    const counts: Partial<Record<Split, number[]>> = {}
    const seen = new Map<string, Place>()
    for (const [done, split] of ORDER.entries()) {
      progress({ done, total: ORDER.length, text: split })
      const perClass = await checkSplit(info, split, { findings, seen })
      counts[split] = perClass
      findings.push(...checkCounts(split, perClass, params))
    }
    const result = { ok: findings.length === 0, hash: info.hash, counts, findings }
    await writeFile(outputs.report, JSON.stringify(result, null, 2))
    report({ ok: result.ok, images: ORDER.reduce((sum, split) => sum + rowsOf(info.splits[split]), 0) })
    // The outputs of a step that fails are not kept; its log is.
    for (const finding of findings) log(textOf(finding))
    const [first] = findings
    if (first) throw new MarinaError('step-failed', `${textOf(first)} (${findings.length} in all)`)
  },
})

const textOf = ({ check, where, what }: Finding): string => `${check}: ${where}: ${what}`

/**
 * The splits that the network is judged on come first: only their pictures are remembered, so that memory does not grow
 * with the training data.
 */
const ORDER: readonly Split[] = ['validation', 'test', 'index', 'train']
const JUDGED: ReadonlySet<Split> = new Set(['validation', 'test'])

interface Place {
  readonly split: Split
  readonly where: string
}

interface Notes {
  readonly findings: Finding[]
  readonly seen: Map<string, Place>
}

/** Looks at each row of a split; returns the rows of each class. */
async function checkSplit(info: DatasetInfo, split: Split, notes: Notes): Promise<number[]> {
  const perClass = new Array<number>(CLASSES).fill(0)
  for (const shard of info.splits[split]) {
    const wrong = await checkHeaders(shard)
    notes.findings.push(...wrong)
    // Rows of another shape or type cannot be told apart.
    if (wrong.length > 0) continue
    for await (const data of readShards([shard])) checkRows(data, { shard, split, perClass, notes })
  }
  return perClass
}

function checkRows(
  { rows, images, labels }: ShardData,
  { shard, split, perClass, notes }: { shard: Shard; split: Split; perClass: number[]; notes: Notes },
): void {
  for (let row = 0; row < rows; row++) {
    const where = (file: string) => `${split}/${basename(file)} row ${row}`
    const image = images.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE)
    const label = labels[row] ?? -1
    if (label < CLASSES) perClass[label] = (perClass[label] ?? 0) + 1
    else {
      const what = `the label is ${label}; labels are 0 to 9`
      notes.findings.push({ check: 'label', where: where(shard.labels), what })
    }
    if (!image.some((value) => value >= FAINTEST)) {
      const what = `the image is blank: no pixel is above ${FAINTEST - 1}`
      notes.findings.push({ check: 'range', where: where(shard.images), what })
    }
    checkDuplicate(image, { split, where: where(shard.images) }, notes)
  }
}

async function checkHeaders(shard: Shard): Promise<Finding[]> {
  const expected = [
    { file: shard.images, dtype: 'u1', shape: [shard.rows, SIDE, SIDE] },
    { file: shard.labels, dtype: 'u1', shape: [shard.rows] },
    { file: shard.ids, dtype: 'i4', shape: [shard.rows] },
  ]
  const findings: Finding[] = []
  for (const { file, dtype, shape } of expected) {
    const header = await readNpyHeader(file)
    const where = `${basename(dirname(file))}/${basename(file)}`
    if (header.dtype !== dtype)
      findings.push({ check: 'type', where, what: `is ${header.dtype}, not ${dtype}` })
    if (header.shape.join() !== shape.join()) {
      findings.push({
        check: 'shape',
        where,
        what: `is [${header.shape.join(', ')}], not [${shape.join(', ')}]`,
      })
    }
  }
  return findings
}

/**
 * A picture that the network has seen, or that the index holds, must not judge it. Training and index may share pictures:
 * new images join both on purpose.
 */
function checkDuplicate(image: Uint8Array, place: Place, { seen, findings }: Notes): void {
  const hash = createHash('sha1').update(image).digest('base64')
  const other = seen.get(hash)
  if (!other) {
    if (JUDGED.has(place.split)) seen.set(hash, place)
  } else if (other.split !== place.split) {
    findings.push({ check: 'duplicate', where: place.where, what: `the same image is at ${other.where}` })
  }
}

function checkCounts(
  split: Split,
  perClass: readonly number[],
  params: { minBalance: number; minRows: Readonly<Record<Split, number>> },
): Finding[] {
  const rows = perClass.reduce((sum, count) => sum + count, 0)
  const findings: Finding[] = []
  if (rows < params.minRows[split]) {
    findings.push({ check: 'count', where: split, what: `${rows} rows, fewer than ${params.minRows[split]}` })
  }
  const rarest = perClass.indexOf(Math.min(...perClass))
  if ((perClass[rarest] ?? 0) < (params.minBalance * rows) / CLASSES) {
    findings.push({
      check: 'balance',
      where: split,
      what: `class ${rarest} has ${perClass[rarest]} of ${rows} rows`,
    })
  }
  return findings
}
