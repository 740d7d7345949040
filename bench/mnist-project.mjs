/* global AbortController */
// A copy of examples/mnist in a temporary folder, with nothing cached, whose pipeline a script runs with its own parameters.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadPipeline, runPipeline } from 'marina/pipeline'

const root = fileURLToPath(new URL('..', import.meta.url))
const GROWN = new Set(['.cache', 'runs', 'model_store', 'new', 'node_modules'])

/**
 * Calls `use` with the project's `run(options)`, each of which resolves with its record, and resolves as `use` does. Ctrl-C
 * stops the run; the copy goes in any case.
 */
export async function withMnistProject(use) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-mnist-'))
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('Stopped by Ctrl-C.')))
  try {
    cpSync(join(root, 'examples/mnist'), folder, {
      recursive: true,
      filter: (path) => !GROWN.has(basename(path)),
    })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const pipeline = await loadPipeline(join(folder, 'pipeline.ts'))
    return await use((options) => runPipeline(pipeline, { ...options, signal: stop.signal }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
