/** Step 5: how good is it, where is it wrong, and beyond which distance does it not know? */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineStep } from 'marina/pipeline'
import { openIndex, type Index } from 'marina/vector'
import { answerOf, confusionOf, histogram, perClass, quantile, thresholdOf, type Answer } from '../answers.js'
import { openDataset, readShards, type DatasetInfo, type Split } from '../dataset.js'
import { readEmbeddings, type Embeddings } from '../embeddings.js'
import { SIDE } from '../digit.js'
import type { Analysis, Mistake } from '../report/analysis.js'
import { renderReport } from '../report/render.js'
import { openThumbnails, pictureOf } from '../thumbnails.js'

const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
const BINS = 40
/** Queries searched at once. */
const BATCH = 500

export default defineStep({
  inputs: ['dataset', 'model', 'embeddings', 'index'],
  outputs: ['analysis', 'page'],
  params: {
    model: 'embedding',
    k: 3,
    /** Share of right answers on validation images that may be called unknown. */
    unknownRate: 0.01,
    mistakes: 24,
  },
  async run({ inputs, outputs, params, progress, report }) {
    const dataset = await openDataset(inputs.dataset)
    const index = await openIndex(join(inputs.index, 'index.faiss'))
    const open = (name: string) => readEmbeddings(inputs.embeddings, name)
    progress({ done: 0, total: 4, text: 'validation images' })
    const judge = async (name: string, labels: readonly string[]) =>
      answerAll(index, await open(name), { labels, k: params.k })
    const validation = await judge('validation', await labelsOf(dataset, 'validation'))
    const threshold = thresholdOf(validation, params.unknownRate)
    progress({ done: 1, total: 4, text: 'test images' })
    const embeddings = await open('test')
    const test = await judge('test', await labelsOf(dataset, 'test'))
    progress({ done: 2, total: 4, text: 'foreign images' })
    const foreign = (await judge('foreign', [])).map(({ dist }) => dist)
    progress({ done: 3, total: 4, text: 'pictures and latency' })
    const analysis: Analysis = {
      ...summaryOf(test, params.model),
      ...distancesOf(test, foreign, threshold),
      threshold: {
        distance: threshold,
        rate: params.unknownRate,
        description: thresholdText({ rate: params.unknownRate, threshold, test, foreign }),
      },
      mistakes: await hardest(test, { dataset, index, embeddings, inputs, params }),
      latencyMs: await latencyOf(index, embeddings, params.k),
      provenance: {
        'data hash': dataset.hash,
        'model hash': index.info.modelHash ?? 'none',
        ...(JSON.parse(await readFile(join(inputs.model, 'recipe.json'), 'utf8')) as Record<string, string>),
      },
    }
    await writeFile(outputs.analysis, JSON.stringify(analysis, null, 2))
    // A folder, so that the file has the ending by which browsers know a page.
    await mkdir(outputs.page)
    await writeFile(join(outputs.page, 'analysis.html'), renderReport(analysis))
    await index.close()
    report({ accuracy: analysis.accuracy, images: analysis.images, threshold })
  },
})

/** Answers from the `k` nearest of each embedding; `labels` may be shorter when there are none. */
async function answerAll(
  index: Index,
  { vectors, dimension }: Embeddings,
  { labels, k }: { labels: readonly string[]; k: number },
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let first = 0; first * dimension < vectors.length; first += BATCH) {
    const queries = vectors.subarray(first * dimension, (first + BATCH) * dimension)
    for (const neighbours of await index.search(queries, k)) {
      answers.push(answerOf(labels[answers.length] ?? '', neighbours))
    }
  }
  return answers
}

async function labelsOf(dataset: DatasetInfo, split: Split): Promise<string[]> {
  const labels: string[] = []
  for await (const shard of readShards(dataset.splits[split]))
    labels.push(...Array.from(shard.labels, String))
  return labels
}

function summaryOf(answers: readonly Answer[], model: string) {
  const confusion = confusionOf(answers, classes)
  const correct = answers.filter(({ label, pred }) => label === pred).length
  return {
    model,
    createdAt: new Date().toISOString(),
    images: answers.length,
    correct,
    accuracy: correct / answers.length,
    classes: perClass(confusion, classes),
    confusion,
  }
}

function distancesOf(answers: readonly Answer[], foreign: readonly number[], threshold: number) {
  const dists = (right: boolean) =>
    answers.filter(({ label, pred }) => (label === pred) === right).map(({ dist }) => dist)
  const sorted = [...foreign].sort((a, b) => a - b)
  const most = Math.max(threshold * 1.5, quantile(sorted, 0.99))
  const edges = Array.from({ length: BINS + 1 }, (_, at) => (most * at) / BINS)
  const [right, wrong] = [histogram(dists(true), edges), histogram(dists(false), edges)]
  return { histograms: { edges, right, wrong, foreign: histogram(foreign, edges) } }
}

function thresholdText(figures: {
  rate: number
  threshold: number
  test: readonly Answer[]
  foreign: readonly number[]
}): string {
  const { rate, threshold, test, foreign } = figures
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const beyond = (values: readonly number[]) =>
    values.filter((dist) => dist > threshold).length / values.length
  const wrong = test.filter(({ label, pred }) => label !== pred).map(({ dist }) => dist)
  const caught = wrong.length > 0 ? `, ${percent(beyond(wrong))} of its wrong answers` : ''
  return (
    `Chosen on the validation images so that ${percent(rate)} of right answers there are called unknown. On the test ` +
    `images it calls ${percent(beyond(test.map(({ dist }) => dist)))} unknown${caught}, and of pictures that are no digit ${percent(beyond(foreign))}.`
  )
}

interface Sources {
  readonly dataset: DatasetInfo
  readonly index: Index
  readonly embeddings: Embeddings
  readonly inputs: { readonly index: string }
  readonly params: { readonly k: number; readonly mistakes: number }
}

/** The wrong answers that were nearest to their neighbour: those it was surest of. */
async function hardest(answers: readonly Answer[], sources: Sources): Promise<Mistake[]> {
  const { dataset, index, embeddings, inputs, params } = sources
  const show = await openThumbnails(join(inputs.index, 'thumbnails.npy'))
  const wrong = answers.map((answer, row) => ({ ...answer, row })).filter(({ label, pred }) => label !== pred)
  const worst = wrong.sort((a, b) => a.dist - b.dist).slice(0, params.mistakes)
  const pictures = await picturesOf(dataset, new Set(worst.map(({ row }) => row)))
  return Promise.all(
    worst.map(async ({ row, label, pred, dist }) => {
      const { vectors, dimension } = embeddings
      const [found = []] = await index.search(vectors.slice(row * dimension, (row + 1) * dimension), params.k)
      const { id = -1, image = '' } = pictures.get(row) ?? {}
      return { id, label, pred, dist, image, neighbours: await show(found) }
    }),
  )
}

async function picturesOf(dataset: DatasetInfo, rows: ReadonlySet<number>) {
  const pictures = new Map<number, { id: number; image: string }>()
  let first = 0
  for await (const shard of readShards(dataset.splits.test)) {
    for (let row = 0; row < shard.rows; row++) {
      if (!rows.has(first + row)) continue
      const image = await pictureOf(shard.images.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE))
      pictures.set(first + row, { id: shard.ids[row] ?? -1, image })
    }
    first += shard.rows
  }
  return pictures
}

/** Time of single searches, in milliseconds; the network's own time is the server's to measure. */
async function latencyOf(index: Index, { vectors, dimension }: Embeddings, k: number) {
  const times: number[] = []
  for (let row = 0; row < Math.min(300, vectors.length / dimension); row++) {
    const query = vectors.slice(row * dimension, (row + 1) * dimension)
    const start = performance.now()
    await index.search(query, k)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { p50: quantile(times, 0.5), p90: quantile(times, 0.9), p99: quantile(times, 0.99) }
}
