// Builds dist/: declarations by tsc, file by file; programs and library by esbuild, in few files, because a start of forty
// modules costs more than the start of the program (docs/performance.md, "Start"). All entries are bundled together, so
// that whatever two of them share is there once, and an error class of the library is that of the commands, too.
import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const library = [
  'index',
  ...['archive', 'vector', 'training', 'pipeline', 'deploy'].map((part) => `${part}/index`),
]
const programs = [
  ...['main', 'torchserve', 'torchserve-main'].map((name) => `cli/${name}`),
  ...['worker-node/main', 'pipeline/step-main', 'archive/digest-thread'],
]
const forNode = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  metafile: true,
}

const declarations = run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.build.json'])
const whole = await build({
  ...forNode,
  entryPoints: [...library, ...programs].map((name) => `src/${name}.ts`),
  outdir: 'dist',
  outbase: 'src',
  // As deep as the folders of src/: a path that is relative to import.meta.url stays true.
  chunkNames: 'chunks/[name]-[hash]',
  packages: 'external',
})
// Bundled for itself, with what it needs of packages: a small archive takes 50 ms above a bare node instead of 100 (bench/archiver-start.mjs).
const quick = await build({
  ...forNode,
  entryPoints: ['src/cli/torch-model-archiver.ts'],
  outdir: 'dist/quick',
  external: ['tar', 'yauzl', 'esbuild'],
  // argparse is CommonJS and requires node's own modules.
  banner: {
    js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`,
  },
})
copyFileSync('node_modules/argparse/LICENSE', 'dist/quick/argparse.LICENSE')
await buildDashboard()
if ((await declarations) !== 0) process.exit(1)
removeStale(new Set([whole, quick].flatMap(({ metafile }) => Object.keys(metafile.outputs))))
for (const name of ['marina', 'torchserve', 'torch-model-archiver']) chmodSync(`bin/${name}.js`, 0o755)

/** The exit code of a program of Node, whose output is shown. */
function run(program, words) {
  return new Promise((resolve) => {
    spawn(process.execPath, [program, ...words], { stdio: 'inherit' }).once('exit', resolve)
  })
}

async function buildDashboard() {
  rmSync('dist/dashboard', { recursive: true, force: true })
  mkdirSync('dist/dashboard', { recursive: true })
  await build({
    entryPoints: ['dashboard/main.ts', 'dashboard/style.css'],
    outdir: 'dist/dashboard',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'warning',
  })
  copyFileSync('dashboard/index.html', 'dist/dashboard/index.html')
}

/**
 * Removes what an earlier build left: code that this one did not write, declarations whose source is gone, and folders
 * that are empty then; so that no leftover lands in a package.
 */
function removeStale(written, folder = 'dist') {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (path !== 'dist/dashboard') removeStale(written, path)
    } else if (isStale(path, written)) rmSync(path)
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true })
}

function isStale(path, written) {
  if (!/\.(js|js\.map|d\.ts)$/.test(path)) return false
  if (!path.endsWith('.d.ts')) return !written.has(path)
  const source = join('src', relative('dist', path)).replace(/\.d\.ts$/, '.ts')
  return source.endsWith('.test.ts') || !existsSync(source)
}
