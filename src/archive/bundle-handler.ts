/**
 * Bundles a TypeScript handler with its dependencies into one ES module, by esbuild, which is loaded only
 * when it is needed.
 */
import { basename, dirname, resolve } from 'node:path'
import type { BuildFailure, Message, Metafile, Plugin } from 'esbuild'
import { invalidFile, type MarinaError } from '../errors.js'

const requireBanner =
  "import { createRequire as marinaCreateRequire } from 'node:module'; " +
  'const require = marinaCreateRequire(import.meta.url);'

/** What the host gives at run time; a bundle imports it by name. */
export const hostModules: readonly string[] = ['marina', 'marina/*', 'onnxruntime-node', 'sharp', 'usearch']

/** Packages that load a compiled library by a path found at run time, which a bundle would break. */
const nativeLoaders =
  /node_modules\/(bindings|node-gyp-build|node-gyp-build-optional-packages|@mapbox\/node-pre-gyp|node-pre-gyp)\//

/**
 * A handler as one ES module for Node 20, and its source map (JSON), whose paths are relative to the
 * handler's folder.
 */
export interface Bundle {
  readonly code: string
  readonly sourceMap: string
}

/** Options of {@link bundleHandler}. */
export interface BundleOptions {
  /**
   * Name that the module will have, for the reference to its map `fileName.map`; default the entry's with
   * `.mjs`.
   */
  readonly fileName?: string | undefined
}

/**
 * Bundles `entry`. Throws `invalid-file`, `file:line:column: …`, for each thing that esbuild finds wrong, for
 * a native module other than the host's (naming it), and for a file without a default export.
 */
export async function bundleHandler(entry: string, options: BundleOptions = {}): Promise<Bundle> {
  const path = resolve(entry)
  const fileName = options.fileName ?? basename(path).replace(/\.[^.]*$/, '.mjs')
  const plain = await build(path, { fileName, banner: '' })
  // CommonJS dependencies call `require('fs')`; an ES module has none unless it makes one. A handler's own
  // `require` is renamed by esbuild in that case, so the line can only be there when it is used.
  const needsRequire = plain.code.includes('__require(') || plain.code.includes('__require =')
  const { code, sourceMap, metafile } = needsRequire
    ? await build(path, { fileName, banner: requireBanner })
    : plain
  refuseNativeLoaders(path, metafile)
  if (!Object.values(metafile.outputs).some((output) => output.exports.includes('default')))
    throw invalidFile(entry, 'has no default export; it needs: export default defineHandler({ … })')
  return { code, sourceMap }
}

interface Built extends Bundle {
  readonly metafile: Metafile
}

async function build(
  entry: string,
  { fileName, banner }: { fileName: string; banner: string },
): Promise<Built> {
  const esbuild = await import('esbuild')
  try {
    const result = await esbuild.build({
      entryPoints: [entry],
      absWorkingDir: dirname(entry),
      outfile: fileName,
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: [...hostModules],
      sourcemap: true,
      sourcesContent: true,
      logLevel: 'silent',
      banner: { js: banner },
      plugins: [refuseNative],
    })
    const text = (suffix: string) => result.outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? ''
    return { code: text('.mjs') || text('.js'), sourceMap: text('.map'), metafile: result.metafile }
  } catch (error) {
    throw isBuildFailure(error) ? failed(entry, error.errors, error) : error
  }
}

const refuseNative: Plugin = {
  name: 'no-native-modules',
  setup(build) {
    build.onLoad({ filter: /\.node$/ }, ({ path }) => ({
      errors: [{ text: nativeText(packageOf(path)), detail: path }],
    }))
  },
}

function refuseNativeLoaders(entry: string, { inputs }: Metafile): void {
  for (const [file, { imports }] of Object.entries(inputs)) {
    const loads = imports.some(({ path }) => nativeLoaders.test(path)) && !nativeLoaders.test(file)
    if (loads) throw invalidFile(entry, nativeText(packageOf(file)))
  }
}

const nativeText = (module: string) =>
  `the native module ${module} cannot be packed into a handler; ` +
  'native modules that the server brings: onnxruntime-node, sharp, usearch'

/** The package that a file belongs to, or the file's own path outside node_modules. */
function packageOf(path: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
  return name ?? path
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

function failed(entry: string, errors: readonly Message[], cause: unknown): MarinaError {
  const [first = { text: 'cannot be bundled', location: null }, ...more] = errors
  const rest = more.slice(0, 4).map((message) => `\n${placeOf(entry, message)}: ${message.text}`)
  return invalidFile(placeOf(entry, first), first.text + rest.join(''), cause)
}

function placeOf(entry: string, { location }: Pick<Message, 'location'>): string {
  if (!location) return entry
  return `${resolve(dirname(entry), location.file)}:${location.line}:${location.column + 1}`
}
