/** The model store of the scenes: archives by the original archiver, and broken ones that it would not make. */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Original } from '../original.js'

// From the project's root: the recorder runs as a bundle, which stands elsewhere.
const models = join(process.cwd(), 'test/compat/rest/models')

interface Packed {
  readonly file: string
  readonly model: string
  readonly version: string
  readonly handler: string
  readonly format?: string
}

const packed: readonly Packed[] = [
  { file: 'probe.mar', model: 'probe', version: '1.0', handler: 'probe.py' },
  { file: 'probe-2.mar', model: 'probe', version: '2.0', handler: 'probe.py' },
  { file: 'probe-1.5.mar', model: 'probe', version: '1.5', handler: 'probe.py' },
  { file: 'probe.tar.gz', model: 'probe', version: '3.0', handler: 'probe.py', format: 'tgz' },
  { file: 'folder', model: 'probe', version: '4.0', handler: 'probe.py', format: 'no-archive' },
  { file: 'not-a-list.mar', model: 'not-a-list', version: '1.0', handler: 'not_a_list.py' },
  { file: 'too-long.mar', model: 'too-long', version: '1.0', handler: 'too_long.py' },
  { file: 'fails-to-load.mar', model: 'fails-to-load', version: '1.0', handler: 'fails_to_load.py' },
  { file: 'out-of-memory.mar', model: 'out-of-memory', version: '1.0', handler: 'out_of_memory.py' },
  { file: 'slow.mar', model: 'slow', version: '1.0', handler: 'slow.py' },
]

const manifest = (model: unknown, more: object = { runtime: 'python' }) =>
  JSON.stringify({ ...more, ...(model === undefined ? {} : { model }), archiverVersion: '0.12.0' })

const broken: Readonly<Record<string, string | undefined>> = {
  'not-json.mar': '{"model":',
  'no-model.mar': manifest(undefined),
  'no-name.mar': manifest({ handler: 'probe.py', modelVersion: '1.0' }),
  'no-version.mar': manifest({ handler: 'probe.py', modelName: 'nameless' }),
  'bad-runtime.mar': manifest(
    { handler: 'probe.py', modelName: 'x', modelVersion: '1.0' },
    { runtime: 'cobol' },
  ),
  'no-manifest.mar': undefined,
}

/** Writes the archives into `folder`. */
export async function makeStore(folder: string, { archiver, python }: Original): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { file, model, version, handler, format = 'default' } of packed) {
    const work = await mkdtemp(join(tmpdir(), 'marina-store-'))
    const words = ['--model-name', model, '--version', version, '--handler', join(models, handler)]
    execFileSync(archiver, [...words, '--export-path', work, '--archive-format', format])
    const suffix = { default: '.mar', tgz: '.tar.gz', 'no-archive': '' }[format] ?? ''
    await cp(join(work, `${model}${suffix}`), join(folder, file), { recursive: true })
    await rm(work, { recursive: true })
  }
  await writeFile(join(folder, 'text.mar'), 'This is no archive.\n')
  const script = [
    'import sys, zipfile, json',
    'folder, handler, members = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])',
    'for name, manifest in members.items():',
    '    with zipfile.ZipFile(folder + "/" + name, "w") as archive:',
    '        archive.writestr(zipfile.ZipInfo("probe.py"), open(handler).read())',
    '        if manifest is not None:',
    '            archive.writestr(zipfile.ZipInfo("MAR-INF/MANIFEST.json"), manifest)',
    'whole = open(folder + "/probe.mar", "rb").read()',
    'open(folder + "/damaged.mar", "wb").write(whole[: len(whole) // 2])',
  ].join('\n')
  const members = Object.fromEntries(Object.entries(broken).map(([name, text]) => [name, text ?? null]))
  execFileSync(python, ['-c', script, folder, join(models, 'probe.py'), JSON.stringify(members)])
}
