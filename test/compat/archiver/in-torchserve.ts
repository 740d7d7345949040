/**
 * `npm run compat`: archives made here register and answer in real TorchServe 0.12.0, and archives made by the original
 * open here, in all four formats. Installs the original on first use; needs Java.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { openArchive, type ArchiveFormat } from '../../../src/archive/index.js'
import { freePorts, installOriginal, startOriginal } from '../original.js'

const formats: readonly ArchiveFormat[] = ['default', 'zip-store', 'tgz', 'no-archive']
const suffixes: Readonly<Record<ArchiveFormat, string>> = {
  default: '.mar',
  'zip-store': '.mar',
  tgz: '.tar.gz',
  'no-archive': '',
}

/** A program that takes the options of torch-model-archiver. */
interface Packer {
  readonly name: string
  /** Command and first words. */
  readonly command: readonly string[]
}

const original = installOriginal()
const byOriginal: Packer = { name: 'original', command: [original.archiver] }
const ours: readonly Packer[] = [
  { name: 'torch-model-archiver', command: [process.execPath, 'bin/torch-model-archiver.js'] },
  { name: 'marina-archive', command: [process.execPath, 'bin/marina.js', 'archive'] },
]

const work = mkdtempSync(join(tmpdir(), 'marina-compat-'))
const store = join(work, 'store')
mkdirSync(store)
const input = (name: string, text: string) => {
  writeFileSync(join(work, name), text)
  return join(work, name)
}

/** Answers with what it finds in its archive, so that an answer shows that all of it has arrived. */
const handler = `
import hashlib, json, os

def handle(data, context):
    if not data:
        return None
    folder = context.system_properties["model_dir"]
    model = context.manifest["model"]
    with open(os.path.join(folder, model["serializedFile"]), "rb") as file:
        weights = hashlib.sha256(file.read()).hexdigest()
    with open(os.path.join(folder, "labels.json")) as file:
        labels = json.load(file)
    nested = os.path.exists(os.path.join(folder, "sub", "nested.txt"))
    config = context.model_yaml_config["handler"]["answer"]
    return [{"weights": weights, "label": labels["7"], "nested": nested, "config": config,
             "version": model["modelVersion"]} for _ in data]
`
mkdirSync(join(work, 'extra/sub'), { recursive: true })
const weights = 'weights '.repeat(40_000)
const inputs = [
  ['--handler', input('handler.py', handler)],
  ['--serialized-file', input('model.pt', weights)],
  ['--config-file', input('model-config.yaml', 'maxWorkers: 1\nminWorkers: 1\nhandler:\n  answer: 42\n')],
  ['--extra-files', `${input('labels.json', '{"7": "seven"}')},${join(work, 'extra')}`],
].flat()
input('extra/sub/nested.txt', 'nested\n')

/** Packs into the store; the archive's name there. */
function pack({ name, command: [program = '', ...first] }: Packer, format: ArchiveFormat): string {
  const modelName = `${name}-${format}`
  const words = [
    '--model-name',
    modelName,
    '--version',
    '1.0',
    '--archive-format',
    format,
    '--export-path',
    store,
  ]
  execFileSync(program, [...first, ...words, ...inputs], { stdio: ['ignore', 'ignore', 'inherit'] })
  return modelName + suffixes[format]
}

let failures = 0
async function check(title: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
    console.log(`ok      ${title}`)
  } catch (error) {
    failures += 1
    console.log(`FAILED  ${title}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function expectEqual(found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return
  throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
}

async function askJson(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(120_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} from ${url}: ${text}`)
  return JSON.parse(text)
}

const expectedAnswer = {
  weights: execFileSync('sha256sum', { input: weights, encoding: 'utf8' }).split(' ')[0],
  label: 'seven',
  nested: true,
  config: 42,
  version: '1.0',
}

async function answersInTorchServe(): Promise<void> {
  const ports = await freePorts(false)
  const archives = ours.flatMap((packer) => formats.map((format) => pack(packer, format)))
  const flags = ['--disable-token-auth', '--enable-model-api']
  const server = await startOriginal(original, { config: [], flags, modelStore: store, ports })
  const management = `http://127.0.0.1:${ports.management}/models`
  try {
    for (const archive of archives)
      await check(`${archive} registers and answers in TorchServe`, async () => {
        const model = archive.replace(/\.(mar|tar\.gz)$/, '')
        await askJson(`${management}?url=${archive}&initial_workers=1&synchronous=true`, { method: 'POST' })
        const url = `http://127.0.0.1:${ports.inference}/predictions/${model}`
        expectEqual(await askJson(url, { method: 'POST', body: 'x' }), expectedAnswer)
        await askJson(`${management}/${model}`, { method: 'DELETE' })
      })
  } finally {
    await server.stop()
  }
}

async function opensInMarina(): Promise<void> {
  for (const format of formats) {
    const archive = pack(byOriginal, format)
    await check(`${archive} opens in Marina`, async () => {
      const opened = await openArchive(join(store, archive))
      try {
        expectEqual(opened.manifest.model, {
          modelName: `original-${format}`,
          serializedFile: 'model.pt',
          handler: 'handler.py',
          modelVersion: '1.0',
          configFile: 'model-config.yaml',
        })
        expectEqual(
          opened
            .members()
            .map(({ name }) => name)
            .sort(),
          [
            'MAR-INF/MANIFEST.json',
            'handler.py',
            'labels.json',
            'model-config.yaml',
            'model.pt',
            'sub/nested.txt',
          ],
        )
        expectEqual((await opened.read('model.pt')).toString(), weights)
      } finally {
        await opened.close()
      }
    })
  }
}

try {
  await opensInMarina()
  await answersInTorchServe()
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(failures === 0 ? 'All archives are read by both sides.' : `${failures} failed.`)
process.exitCode = failures === 0 ? 0 : 1
