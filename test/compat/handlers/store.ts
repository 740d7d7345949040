/** The archives of the handlers' scenes, packed by the original archiver. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Original } from '../original.js'

// From the project's root: the recorder runs as a bundle, which stands elsewhere.
const models = join(process.cwd(), 'test/compat/handlers/models')

/** An archive; files are below `models/`, unless they are texts. */
export interface Packed {
  readonly name: string
  readonly handler: string
  readonly extra?: readonly string[]
  /** Of `model-config.yaml`. */
  readonly yaml?: string
  /** Of `requirements.txt`. */
  readonly requirements?: string
  readonly modelFile?: string
  /** Lies in the store while it is packed. */
  readonly serializedFile?: string
}

/** Packs each archive into `folder`. */
export async function packAll(
  archives: readonly Packed[],
  { folder, original }: { folder: string; original: Original },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const archive of archives) await packOne(archive, { folder, original })
}

/** Packs each archive, around networks that `torch/build.py` makes first and that are inside of them afterwards. */
export async function packTorch(
  archives: readonly Packed[],
  { folder, original }: { folder: string; original: Original },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  execFileSync(original.python, [join(models, 'torch/build.py'), folder], { stdio: 'inherit' })
  await packAll(archives, { folder, original })
  for (const { serializedFile } of archives) {
    if (serializedFile) await rm(join(folder, serializedFile), { force: true })
  }
}

async function packOne(
  archive: Packed,
  { folder, original }: { folder: string; original: Original },
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'marina-pack-'))
  const { name, handler, extra = [], yaml, requirements, modelFile, serializedFile } = archive
  const text = async (file: string, content: string | undefined) => {
    if (content === undefined) return undefined
    await writeFile(join(work, file), content)
    return join(work, file)
  }
  const flags: Readonly<Record<string, string | undefined>> = {
    'model-name': name,
    version: '1.0',
    // A built-in handler has a name and no file.
    handler: handler.includes('.py') ? join(models, handler) : handler,
    'extra-files': extra.map((file) => join(models, file)).join(',') || undefined,
    'config-file': await text('model-config.yaml', yaml),
    'requirements-file': await text('requirements.txt', requirements),
    'model-file': modelFile && join(models, modelFile),
    'serialized-file': serializedFile && join(folder, serializedFile),
    'export-path': folder,
  }
  const words = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, value],
  )
  execFileSync(original.archiver, [...words, '--force'], { stdio: ['ignore', 'ignore', 'inherit'] })
  await rm(work, { recursive: true })
}
