/** The tutorial's handler: image → 28×28 grey → embedding → nearest of k = 3 → `{ dist, pred, known }` for each image. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineHandler, mainPart, openModel, type Context } from 'marina'
import { openIndex } from 'marina/vector'
import { answerOf } from './answers.js'
import { SIDE, toDigit } from './digit.js'
import { openThumbnails } from './thumbnails.js'

async function initialize(context: Context) {
  const file = (name: string) => join(context.modelDir, name)
  const model = await openModel(file('model.onnx'), context)
  const index = await openIndex(file('index.faiss'), { modelHash: model.hash, threads: context.threads })
  const settings = JSON.parse(await readFile(file('settings.json'), 'utf8')) as {
    threshold: number
    k: number
  }
  return { model, index, settings, describe: await openThumbnails(file('thumbnails.npy')) }
}

export default defineHandler({
  initialize,
  preprocess: (jobs) => Promise.all(jobs.map((job) => toDigit(mainPart(job)))),
  async inference(digits: readonly Uint8Array[], { model, index, settings }) {
    const data = Buffer.concat(digits)
    const embeddings = await model.floats([{ type: 'uint8', shape: [digits.length, 1, SIDE, SIDE], data }])
    return index.search(embeddings, settings.k)
  },
  postprocess: (found, { settings, describe }, jobs) =>
    Promise.all(
      found.map(async (neighbours, at) => {
        const { pred, dist } = answerOf('', neighbours)
        const answer = { dist, pred: Number(pred), known: dist <= settings.threshold }
        if (jobs[at]?.operation !== 'explain') return answer
        return { ...answer, ...settings, neighbours: await describe(neighbours) }
      }),
    ),
  dispose: ({ model, index }) => Promise.all([model.close(), index.close()]).then(() => undefined),
})
