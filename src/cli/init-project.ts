/** Writes a new project: the files of `templates/project/`, those that depend on its name, and its model. */
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isModelName } from '../archive/index.js'
import { misuse } from '../errors.js'
import { irisModel } from './init-model.js'
import { packageVersion } from './version.js'

/** A project that was written. */
export interface CreatedProject {
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Names of its top. */
  readonly files: readonly string[]
}

/**
 * Makes the project in `folder`, whose name becomes the model's. It appears whole or not at all.
 * @throws MarinaError `misuse` for a name that no model can have, a folder that holds something, or a tarball that is
 * not there
 */
export async function createProject(folder: string, marina: string | undefined): Promise<CreatedProject> {
  const name = basename(folder)
  if (!isModelName(name) || name !== name.toLowerCase())
    throw misuse(
      `${JSON.stringify(name)} cannot be the name of a project: use lower-case letters, digits, "_", "-" and ".", ` +
        'beginning with a letter or digit.',
    )
  await refuseNonEmpty(folder)
  const spec = packageSpec(folder, marina)
  const beside = join(dirname(folder), `.${name}-${process.pid}.tmp`)
  await mkdir(dirname(folder), { recursive: true })
  try {
    await cp(fileURLToPath(new URL('../../templates/project', import.meta.url)), beside, { recursive: true })
    await writeFile(join(beside, 'package.json'), packageJson(name, spec))
    await writeFile(join(beside, '.npmrc'), NPMRC)
    await writeFile(join(beside, '.gitignore'), 'node_modules/\n*.mar\n')
    await writeFile(join(beside, 'model.onnx'), irisModel())
    await moveInto(folder, beside)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return { name, folder, files: (await readdir(folder)).sort() }
}

/** An empty folder that is there may be someone's working directory: it is filled, not replaced. */
async function moveInto(folder: string, beside: string): Promise<void> {
  if (!existsSync(folder)) return rename(beside, folder)
  for (const name of await readdir(beside)) await rename(join(beside, name), join(folder, name))
}

async function refuseNonEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw misuse(`${folder} is no folder. Choose another name.`)
  })
  if (names.length > 0)
    throw misuse(
      `${folder} is not empty (${names.slice(0, 3).join(', ')} …). Choose another name, or empty it.`,
    )
}

/** The `file:` of a command line is seen from where the command runs; npm reads it from the project's folder. */
function packageSpec(folder: string, marina: string | undefined): string {
  if (marina === undefined) return `^${packageVersion()}`
  if (!marina.startsWith('file:')) return marina
  const file = resolve(marina.slice('file:'.length))
  if (!existsSync(file)) throw misuse(`--marina ${marina}: ${file} is not there. npm pack makes such a file.`)
  return `file:${relative(folder, file)}`
}

const packageJson = (name: string, marina: string): string =>
  `${JSON.stringify(
    {
      name,
      version: '1.0.0',
      private: true,
      type: 'module',
      scripts: { dev: 'marina dev .', test: 'tsc && node --test', archive: 'marina archive .' },
      dependencies: { marina },
      devDependencies: { '@types/node': '^20.19.0', typescript: '^6.0.0' },
    },
    undefined,
    2,
  )}\n`

/** A comment for whoever wonders, and the line itself. */
const NPMRC = `# The CPU libraries of onnxruntime-node are in the package; its install script would fetch CUDA files from elsewhere.
onnxruntime-node-install=skip
`
