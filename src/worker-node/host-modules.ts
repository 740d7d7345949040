/**
 * Makes the packages that come from the host resolvable for a handler: an unpacked archive lies outside any project, so
 * its bundle's `import 'marina'` or `import 'sharp'` would find nothing. A folder that resolves them already is left alone.
 */
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages that a bundled handler leaves to the host. */
export const hostModules = ['marina', 'onnxruntime-node', 'sharp', 'usearch'] as const

/** Links what `modelDir` cannot resolve into its `node_modules`; what the host does not have stays absent. */
export async function linkHostModules(modelDir: string): Promise<void> {
  const fromModel = createRequire(join(modelDir, 'handler.js'))
  const missing = hostModules.filter((name) => !resolves(fromModel, name))
  if (missing.length === 0) return
  await mkdir(join(modelDir, 'node_modules'), { recursive: true })
  for (const name of missing) {
    const folder = await hostFolder(name)
    if (folder === undefined) continue
    await symlink(folder, join(modelDir, 'node_modules', name), 'dir').catch((error: unknown) => {
      // Two workers of one version load at the same time.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    })
  }
}

function resolves(from: NodeJS.Require, name: string): boolean {
  try {
    from.resolve(`${name}/package.json`)
    return true
  } catch (error) {
    // Exports that hide package.json still say that the package is there.
    return error instanceof Error && 'code' in error && error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}

async function hostFolder(name: string): Promise<string | undefined> {
  if (name === 'marina') return fileURLToPath(new URL('../..', import.meta.url))
  const from = createRequire(import.meta.url)
  let folder: string
  try {
    folder = dirname(from.resolve(name))
  } catch {
    return undefined
  }
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
    if ((JSON.parse(text) as { name?: string }).name === name) return folder
  }
  return undefined
}
