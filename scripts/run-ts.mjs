// Runs a TypeScript file of this project that is no part of the package: `node scripts/run-ts.mjs FILE [WORD …]`.
import { resolve } from 'node:path'
import { importBundled } from './bundled.mjs'

const [file, ...words] = process.argv.slice(2)
if (!file) {
  console.error('usage: node scripts/run-ts.mjs FILE [WORD …]')
  process.exit(2)
}
process.argv = [process.argv[0], file, ...words]
await importBundled(resolve(file))
