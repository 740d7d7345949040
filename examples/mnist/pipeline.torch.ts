/**
 * The digit model by PyTorch and faiss, for a handler in Python: `marina pipeline run --engine torch`. The data are those of
 * pipeline.ts; what comes out is `model.pt` (TorchScript), `faiss_index.bin` and `faiss_label.json`.
 */
import { command, definePipeline, file, from, step } from 'marina/pipeline'

const dataset = from('data', 'dataset')
const model = from('train', 'model')

export default definePipeline({
  name: 'mnist-torch',
  steps: {
    data: step('steps/data.ts', { inputs: { newImages: file('new') } }),
    validate: step('steps/validate.ts', { inputs: { dataset } }),
    train: command(
      ['{params.python}', 'torch/train.py', '{inputs.dataset}', '{outputs.model}', '{params.recipe}'],
      {
        inputs: { dataset },
        outputs: ['model'],
        after: ['validate'],
        code: ['torch/train.py', 'torch/network.py', 'torch/dataset.py'],
        params: {
          python: 'python3',
          recipe: {
            ...{ seed: 1, epochs: 2, batch: 128, rate: 0.003, warmup: 50, shift: 1 },
            ...{ filters: [24, 48, 64], dimension: 128, scale: 30, margin: 0.5 },
          },
        },
      },
    ),
    index: command(
      ['{params.python}', 'torch/index.py', '{inputs.dataset}', '{inputs.model}', '{outputs.index}'],
      {
        inputs: { dataset, model },
        outputs: ['index'],
        code: ['torch/index.py', 'torch/dataset.py'],
        params: { python: 'python3' },
      },
    ),
  },
  profiles: {
    // Small enough to be kept beside a test: a tenth of the data, a fifth of the network.
    small: {
      data: { rows: { train: 9_000, index: 500, validation: 500, test: 1_000 } },
      validate: { minRows: { train: 1_000, index: 500, validation: 500, test: 500 } },
      train: {
        recipe: {
          ...{ seed: 1, epochs: 2, batch: 128, rate: 0.003, warmup: 20, shift: 1 },
          ...{ filters: [8, 16, 16], dimension: 32, scale: 30, margin: 0.5 },
        },
      },
    },
  },
})
