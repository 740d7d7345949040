/** The life of the digit model, from data to a running server: `marina demo`, or `marina pipeline run` beside this file. */
import { definePipeline, file, from, step } from 'marina/pipeline'

const dataset = from('data', 'dataset')
const model = from('train', 'model')
const embeddings = from('embed', 'embeddings')
const index = from('index', 'index')
const analysis = from('analyse', 'analysis')

export default definePipeline({
  name: 'mnist',
  steps: {
    data: step('steps/data.ts', { inputs: { newImages: file('new') } }),
    validate: step('steps/validate.ts', { inputs: { dataset } }),
    train: step('steps/train.ts', { inputs: { dataset }, after: ['validate'] }),
    embed: step('steps/embed.ts', { inputs: { dataset, model } }),
    index: step('steps/index.ts', { inputs: { dataset, model, embeddings } }),
    analyse: step('steps/analyse.ts', { inputs: { dataset, model, embeddings, index } }),
    gate: step('steps/gate.ts', { inputs: { analysis } }),
    archive: step('steps/archive.ts', { inputs: { dataset, model, index, analysis }, after: ['gate'] }),
    deploy: step('steps/deploy.ts', { inputs: { archive: from('archive', 'archive') } }),
  },
  profiles: {
    // Enough to see everything work: some seconds instead of a minute, in a store of its own.
    quick: {
      data: { rows: { train: 9_000, index: 2_000, validation: 1_000, test: 2_000 } },
      train: { epochs: 1, warmup: 10 },
      embed: { foreign: 500 },
      gate: { accuracy: 0.96, classRecall: 0.9, regression: 0.01, store: 'model_store/quick' },
      archive: { store: 'model_store/quick' },
    },
  },
})
