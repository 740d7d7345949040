/** The tutorial's archive: the example's files by its engine of PyTorch and faiss, packed by the tutorial's own command. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { RunRecord } from '../../../src/pipeline/index.js'
import type { Original } from '../original.js'

// From the project's root: the scripts that use this run as bundles, which stand elsewhere.
const here = join(process.cwd(), 'test/compat/tutorial')
const example = join(process.cwd(), 'examples/mnist')
/** Debian's interpreter, which has torch and faiss. */
export const PYTHON = '/usr/bin/python3'

/** Trains, indexes and packs into `folder`; what was trained before is taken as it is. Returns the archive's file. */
export function makeTutorialArchive(
  folder: string,
  { archiver }: Original,
  { profile }: { profile?: string } = {},
): string {
  const { model, index } = trainedFiles(profile)
  const extra = [join(here, 'MyHandler.py'), join(index, 'faiss_index.bin'), join(index, 'faiss_label.json')]
  const words = [
    ...['--model-name', 'embedding', '--version', '1.0', '--serialized-file', join(model, 'model.pt')],
    ...['--handler', join(here, 'handler.py'), '--extra-files', extra.join(',')],
    ...['--export-path', folder, '--force'],
  ]
  execFileSync(archiver, words, { stdio: 'inherit' })
  return join(folder, 'embedding.mar')
}

function trainedFiles(profile: string | undefined): { model: string; index: string } {
  const python = ['train', 'index'].flatMap((step) => ['--set', `${step}.python=${PYTHON}`])
  const words = ['pipeline', 'run', '--dir', example, '--engine', 'torch', '--json', ...python]
  if (profile !== undefined) words.push('--profile', profile)
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const command = [join(process.cwd(), 'bin/marina.js'), ...words]
  const text = execFileSync(process.execPath, command, { encoding: 'utf8', stdio: [...stdio] })
  const { steps } = JSON.parse(text) as RunRecord
  const outputOf = (step: string) =>
    steps.find((record) => record.step === step)?.outputs[step === 'train' ? 'model' : step]
  const [model, index] = [outputOf('train'), outputOf('index')]
  if (model === undefined || index === undefined) throw new Error('The pipeline made no model or no index.')
  return { model, index }
}
