/**
 * The built-in handler `embedding_index`: an embedding model and an index of labelled embeddings, served as one thing. It
 * reads `model.onnx`, `index.faiss` and `settings.json` (`{ "k": 3, "threshold": 12.5 }`, both optional) of the archive. A
 * request's body is one input of the model, as raw bytes of its type; the answer is `{ dist, label, known? }`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openIndex, type Index, type Neighbour } from '../vector/index.js'
import {
  defineHandler,
  failure,
  mainPart,
  type Context,
  type Failure,
  type Job,
  type Json,
} from './handler.js'
import { openModel, type Model, type TensorSlot } from './model.js'

interface Settings {
  readonly k?: number
  readonly threshold?: number
}

interface State {
  readonly model: Model
  readonly index: Index
  readonly settings: Settings
}

async function initialize(context: Context): Promise<State> {
  const file = (name: string) => join(context.modelDir, name)
  const model = await openModel(file('model.onnx'), context)
  const index = await openIndex(file('index.faiss'), { modelHash: model.hash, threads: context.threads })
  const text = await readFile(file('settings.json'), 'utf8').catch(() => '{}')
  return { model, index, settings: JSON.parse(text) as Settings }
}

const elementBytes: Readonly<Partial<Record<string, number>>> = { uint8: 1, int8: 1, float32: 4 }

function bodyOf(job: Job, slot: TensorSlot | undefined): Uint8Array | Failure {
  const data = mainPart(job)?.data ?? new Uint8Array()
  const elements = (slot?.shape ?? []).slice(1).reduce<number>((product, size) => product * Number(size), 1)
  const bytes = elements * (elementBytes[slot?.type ?? ''] ?? Number.NaN)
  if (data.length === bytes) return data
  return failure(
    400,
    `The body has ${data.length} bytes, but one input of the model has ${bytes} (${slot?.type ?? '?'} [${slot?.shape.slice(1).join(', ') ?? ''}]).`,
  )
}

async function search(rows: readonly Uint8Array[], { model, index, settings }: State) {
  const [slot] = model.inputs
  if (!slot) return []
  const bytes = new Uint8Array(Buffer.concat(rows))
  const data = slot.type === 'float32' ? new Float32Array(bytes.buffer) : bytes
  const [embeddings] = await model.run([
    { type: slot.type, shape: [rows.length, ...slot.shape.slice(1).map(Number)], data },
  ])
  if (!(embeddings?.data instanceof Float32Array))
    throw new TypeError('the embedding model gives no 32-bit floats')
  return index.search(embeddings.data, Math.min(settings.k ?? 1, index.info.count))
}

function answer(neighbours: readonly Neighbour[], job: Job | undefined, { threshold }: Settings): Json {
  const shown = neighbours.map(({ id, label, dist }) => ({ id: Number(id), label: label ?? null, dist }))
  const [nearest] = shown
  const known = threshold === undefined || !nearest ? {} : { known: nearest.dist <= threshold }
  const found = { dist: nearest?.dist ?? null, label: nearest?.label ?? null, ...known }
  return job?.operation === 'explain' ? { ...found, neighbours: shown } : found
}

export default defineHandler<State, Uint8Array, readonly Neighbour[]>({
  initialize,
  preprocess: (jobs, { model }) => jobs.map((job) => bodyOf(job, model.inputs[0])),
  inference: search,
  postprocess: (rows, { settings }, jobs) =>
    rows.map((neighbours, at) => answer(neighbours, jobs[at], settings)),
  async dispose({ model, index }) {
    await Promise.all([model.close(), index.close()])
  },
})
