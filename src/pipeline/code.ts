/**
 * A project's TypeScript as JavaScript, by esbuild: one bundle to run, whose packages are imported as they are, and a
 * hash that names the code, in which a package stands for its version. A package that is only linked (a workspace under
 * work) counts with the code that is used of it, since its version does not change when it does.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { createRequire, isBuiltin } from 'node:module'
import { basename, dirname, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildFailure, BuildOptions, Plugin } from 'esbuild'
import { misuse } from '../errors.js'

/** A file of the project, bundled. */
export interface Code {
  /** SHA-256 of everything that the code is made of. */
  readonly hash: string
  /** Path of the bundle. */
  readonly bundle: string
}

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  write: false,
  logLevel: 'silent',
  legalComments: 'none',
}

/**
 * Bundles `entry` into `folder`. The hash does not depend on where it is called from, nor on comments.
 * @throws MarinaError `misuse`, `file:line:column: …`, for each thing that is wrong
 */
export async function bundleCode(entry: string, folder: string): Promise<Code> {
  if (!existsSync(entry)) throw misuse(`${entry}: there is no such file`)
  const { build } = await import('esbuild')
  const packages = new Set<string>()
  const here = { ...common, entryPoints: [entry], outdir: folder }
  const [run, whole] = await Promise.all([
    build({ ...here, packages: 'external', sourcemap: 'inline' }),
    // Without white space, since esbuild notes in a comment where each file is, seen from the working folder.
    build({ ...here, minifyWhitespace: true, plugins: [installedPackages(packages)] }),
  ]).catch((error: unknown) => {
    throw isBuildFailure(error) ? misuse(error.errors.map(textOf).join('\n')) : error
  })
  // The later one would win in silence, such as the second of two steps of one name.
  const twice = run.warnings.filter(({ id }) => id === 'duplicate-object-key')
  if (twice.length > 0) throw misuse(twice.map(textOf).join('\n'))
  const hash = createHash('sha256')
  for (const name of [...packages].sort()) hash.update(`${name}\0`)
  for (const file of whole.outputFiles ?? []) hash.update(file.contents)
  const digest = hash.digest('hex')
  const contents = run.outputFiles?.[0]?.contents ?? new Uint8Array()
  // The name changes with the content, since a process imports a name only once.
  const own = createHash('sha256').update(contents).digest('hex').slice(0, 16)
  const bundle = join(folder, `${basename(entry).replace(/\.[^.]*$/, '')}-${own}.mjs`)
  await writeOnce(bundle, contents)
  return { hash: digest, bundle }
}

/** Imports the default export of a bundle. */
export async function importDefault(bundle: string): Promise<unknown> {
  const module = (await import(pathToFileURL(bundle).href)) as { readonly default?: unknown }
  return module.default
}

async function writeOnce(file: string, contents: Uint8Array): Promise<void> {
  if (existsSync(file)) return
  await mkdir(dirname(file), { recursive: true })
  const beside = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(beside, contents)
  await rename(beside, file)
}

/** Leaves installed packages out, and notes `name@version` of them and theirs; lets esbuild follow into linked ones. */
function installedPackages(packages: Set<string>): Plugin {
  return {
    name: 'installed-packages',
    setup: (build) => {
      build.onResolve({ filter: /^[^./#]/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return undefined
        if (isBuiltin(path)) return { path, external: true }
        const name = path
          .split('/')
          .slice(0, path.startsWith('@') ? 2 : 1)
          .join('/')
        const folder = packageFolder(name, importer)
        if (folder && !folder.includes(`${sep}node_modules${sep}`)) return undefined
        if (folder) addVersions(folder, packages)
        else packages.add(`${name}@missing`)
        return { path, external: true }
      })
      // A package's own imports (#name) are paths that it resolves when it runs.
      build.onResolve({ filter: /^#/ }, ({ path }) => ({ path, external: true }))
    },
  }
}

function packageFolder(name: string, importer: string): string | undefined {
  const paths = createRequire(importer).resolve.paths(name) ?? []
  const found = paths.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')))
  // A package may import itself by its own name.
  return found ? realpathSync(found) : undefined
}

/** Adds an installed package, and those that it depends on, as far as they are installed. */
function addVersions(folder: string, packages: Set<string>): void {
  const file = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly name?: string
    readonly version?: string
    readonly dependencies?: Readonly<Record<string, string>>
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  const own = `${manifest.name ?? folder}@${manifest.version ?? ''}`
  if (packages.has(own)) return
  packages.add(own)
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const needed = packageFolder(name, file)
    if (needed) addVersions(needed, packages)
  }
}

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && 'errors' in error && Array.isArray(error.errors)

const textOf = ({ text, location }: BuildFailure['errors'][number]): string =>
  location ? `${location.file}:${location.line}:${location.column}: ${text}` : text
