/**
 * Step 6: packs model, index, threshold and handler into `model_store/embedding-<version>.mar`, with the next free version.
 * An archive of the same content that is there already is taken as it is.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { bundleHandler, nextVersion, pack, type ModelSchema, type PackExample } from 'marina/archive'
import { defineStep } from 'marina/pipeline'
import { openDataset } from '../dataset.js'
import { goldenAnswers } from '../golden.js'
import type { Analysis } from '../report/analysis.js'
import { storedVersions } from '../store.js'

/** Distances may differ by this much on another processor. */
const TOLERANCE = 0.01

const schema: ModelSchema = {
  description: 'Reads one handwritten digit, and says so when it sees none.',
  inputs: [
    {
      name: 'data',
      kind: 'image',
      contentTypes: ['image/png', 'image/jpeg', 'image/webp', 'application/octet-stream'],
      description: 'A picture of one digit in any size, or 28×28 grey bytes',
      draw: { width: 280, height: 280, ground: 'dark' },
    },
  ],
  outputs: [
    { name: 'pred', type: 'integer', role: 'answer', description: 'the digit, 0 to 9' },
    {
      name: 'dist',
      type: 'number',
      role: 'distance',
      description: 'squared distance to the nearest image, 0 to 4',
    },
    {
      name: 'known',
      type: 'boolean',
      role: 'known',
      description: 'false: too far from every image to be a digit',
    },
  ],
  operations: ['predict', 'explain'],
}

export default defineStep({
  inputs: ['dataset', 'model', 'index', 'analysis'],
  outputs: ['archive'],
  // The store is outside of the pipeline's own files, and versions count up.
  effect: true,
  params: { model: 'embedding', store: 'model_store', k: 3 },
  async run({ inputs, outputs, params, folder, scratch, log, report }) {
    const analysis = JSON.parse(await readFile(inputs.analysis, 'utf8')) as Analysis
    const store = resolve(folder, params.store)
    await mkdir(store, { recursive: true })
    const content = join(scratch, 'content')
    await mkdir(content, { recursive: true })
    await copyFile(join(inputs.model, 'model.onnx'), join(content, 'model.onnx'))
    for (const name of await readdir(inputs.index))
      await copyFile(join(inputs.index, name), join(content, name))
    const settings = { threshold: analysis.threshold.distance, k: params.k }
    await writeFile(join(content, 'settings.json'), JSON.stringify(settings))
    const handler = join(folder, 'handler.ts')
    const fingerprint = await hashOf(content, (await bundleHandler(handler)).code)

    const stored = await storedVersions(store, params.model)
    const same = stored.find(({ provenance }) => provenance.parameters?.['content'] === fingerprint)
    if (same) {
      log(`version ${same.version} holds just this already`)
      await writeFile(outputs.archive, JSON.stringify({ file: same.file, version: same.version }))
      report({ archive: basename(same.file), version: same.version })
      return
    }

    const version = await nextVersion(store, params.model)
    const packed = await pack({
      modelName: params.model,
      version,
      fileName: `${params.model}-${version}`,
      handler,
      serializedFile: join(content, 'model.onnx'),
      extraFiles: (await readdir(content))
        .filter((name) => name !== 'model.onnx')
        .map((name) => join(content, name)),
      exportPath: store,
      marina: {
        schema,
        examples: await examplesOf(join(folder, 'samples'), content),
        provenance: {
          data: { mnist: (await openDataset(inputs.dataset)).hash },
          metrics: { accuracy: analysis.accuracy, images: analysis.images },
          parameters: { content: fingerprint },
        },
      },
    })
    await writeFile(outputs.archive, JSON.stringify({ file: packed.file, version }))
    report({ archive: basename(packed.file), version, MB: Number((packed.bytes / 1e6).toFixed(1)) })
  },
})

async function hashOf(content: string, code: string): Promise<string> {
  const hash = createHash('sha256').update(code)
  for (const name of (await readdir(content)).sort())
    hash.update(name).update(await readFile(join(content, name)))
  return hash.digest('hex')
}

/** The samples with the answers that this very content gives to them. */
async function examplesOf(folder: string, content: string): Promise<PackExample[]> {
  const files = (await readdir(folder)).filter((name) => /\.(png|jpg)$/.test(name)).sort()
  const answers = await goldenAnswers(
    files.map((name) => join(folder, name)),
    content,
  )
  return files.map((file, at) => ({
    name: file.replace(/\.\w+$/, ''),
    file,
    contentType: file.endsWith('.png') ? 'image/png' : 'image/jpeg',
    from: join(folder, file),
    expect: answers[at] ?? {},
    tolerance: TOLERANCE,
  }))
}
