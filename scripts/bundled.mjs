// Modules of src/ as they are now, for programs that are no part of the package: dist/ holds only what the package offers.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
let files = 0

/** Bundles one TypeScript file and imports it. The bundle is removed when the process ends. */
export async function importBundled(file) {
  // Inside the project, so that the bundle finds its packages and its programs (#worker-python); by process, so that two
  // runs do not meet.
  const folder = join(root, '.cache/bundled')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${process.pid}-${files++}.mjs`)
  await build({
    entryPoints: [file],
    absWorkingDir: root,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  process.on('exit', () => rmSync(outfile, { force: true }))
  return import(pathToFileURL(outfile).href)
}
