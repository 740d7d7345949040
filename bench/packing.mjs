/** Archives that benches pack with the drop-in command. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const archiver = fileURLToPath(new URL('../bin/torch-model-archiver.js', import.meta.url))

/** Calls `torch-model-archiver`. */
export const packArchive = (words) =>
  execFileSync(process.execPath, [archiver, ...words], { stdio: ['ignore', 'ignore', 'inherit'] })

/** Packs a Python handler without any files: `<name>.mar` in `store`, which is made where it is not there. */
export function packHandler(store, { name, source }) {
  mkdirSync(store, { recursive: true })
  const handler = join(store, `${name}.py`)
  writeFileSync(handler, source)
  packArchive(['--model-name', name, '--version', '1.0', '--handler', handler, '--export-path', store])
  return join(store, `${name}.mar`)
}
