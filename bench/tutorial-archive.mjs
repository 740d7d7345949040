/** The archives of the tutorial's benches, made from the example's pipelines; what was trained before is taken as it is. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packArchive } from './packing.mjs'
import { PYTHON } from './peer-servers.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const marina = here('../bin/marina.js')
const example = here('../examples/mnist')

const call = (file, words) =>
  execFileSync(process.execPath, [file, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

/** Unpacks an archive into a new folder, and names it. */
export function unpack(archive, folder) {
  call(marina, ['unpack', archive, '--to', folder, '--json'])
  return folder
}

/** Runs one of the example's pipelines as far as is needed; outputs by step. */
function pipelineOutputs(words) {
  const { steps } = JSON.parse(call(marina, ['pipeline', 'run', ...words, '--dir', example, '--json']))
  return Object.fromEntries(steps.map(({ step, outputs }) => [step, outputs]))
}

/** The tutorial's own command: `embedding.mar` in `store`. */
export function tutorialArchive(store) {
  const python = ['train', 'index'].flatMap((step) => ['--set', `${step}.python=${PYTHON}`])
  const { train, index } = pipelineOutputs(['--engine', 'torch', ...python])
  const code = here('../test/compat/tutorial')
  const data = ['faiss_index.bin', 'faiss_label.json'].map((name) => join(index.index, name))
  packArchive([
    ...['--model-name', 'embedding', '--version', '1.0', '--serialized-file', join(train.model, 'model.pt')],
    ...['--handler', join(code, 'handler.py'), '--export-path', store],
    ...['--extra-files', [join(code, 'MyHandler.py'), ...data].join(',')],
  ])
  return join(store, 'embedding.mar')
}

/** The example's own archive; with `quick` that of its quick profile. */
export function typeScriptArchive(quick) {
  const { archive } = pipelineOutputs(['archive', ...(quick ? ['--profile', 'quick'] : [])])
  return JSON.parse(readFileSync(archive.archive, 'utf8')).file
}

/** The samples of the example that are as small as MNIST's pictures. */
export const digitFiles = () =>
  readdirSync(join(example, 'samples'))
    .filter((name) => /^\d\.png$/.test(name))
    .map((name) => join(example, 'samples', name))
