/** Records what TorchServe 0.12.0 answers: `node scripts/run-ts.mjs test/torch/default-handlers/record.ts`. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts, installOriginal, startOriginal } from '../../compat/original.js'
import { HANDLER_PACKAGES, venvWith } from '../../support/python-venv.js'
import { askAll } from './ask.js'
import { questions } from './cases.js'
import { buildModels, CONFIG, FLAGS, type BuiltModel } from './models.js'

const original = installOriginal()
const python = venvWith(HANDLER_PACKAGES)
const folder = mkdtempSync(join(tmpdir(), 'marina-default-handlers-'))
const modelStore = join(folder, 'store')
mkdirSync(modelStore)
for (const model of buildModels(join(folder, 'models'), python)) pack(model)
const ports = await freePorts(false)
// The original runs in its own environment; the packages that handlers may use lie in ours.
const PYTHONPATH = execFileSync(python, [
  '-c',
  'import onnxruntime, os; print(os.path.dirname(onnxruntime.__path__[0]))',
])
const env = { PYTHONPATH: PYTHONPATH.toString().trim() }
const server = await startOriginal(original, { config: CONFIG, flags: FLAGS, modelStore, ports, env })
try {
  const answers = await askAll(
    `http://127.0.0.1:${ports.inference}`,
    questions(join(folder, 'models/inputs')),
  )
  // One answer a line, so that a difference can be read.
  const lines = answers.map((answer) => JSON.stringify(answer)).join(',\n')
  writeFileSync(join(process.cwd(), 'test/torch/default-handlers/recorded.json'), `[\n${lines}\n]\n`)
  for (const { model, title, status } of answers) console.log(`${status} ${model}: ${title}`)
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}

function pack({ name, folder: from, handler, serializedFile, modelFile, extraFiles }: BuiltModel): void {
  const within = (file: string) => join(from, file)
  const own = handler.endsWith('.py') ? within(handler) : handler
  const words = [
    '--model-name',
    name,
    '--version',
    '1.0',
    '--handler',
    own,
    '--serialized-file',
    within(serializedFile),
  ]
  if (modelFile !== undefined) words.push('--model-file', within(modelFile))
  words.push('--extra-files', extraFiles.map(within).join(','), '--export-path', modelStore)
  const path = `${dirname(original.python)}:${process.env['PATH'] ?? ''}`
  execFileSync(original.archiver, words, { env: { ...process.env, PATH: path } })
}
