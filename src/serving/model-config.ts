/** Reads the YAML that a model brings with it, for the server's own keys and for Python workers without PyYAML. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '../archive/manifest.js'
import { parseModelConfig } from '../archive/model-config.js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'

/**
 * The `configFile` of a manifest as plain data, `null` when it is empty. Undefined where the manifest names none, or the
 * file cannot be read: that is logged, in TorchServe's words, and the worker says it again when it loads.
 */
export async function readModelConfig(
  dir: string,
  { manifest, log }: { manifest: Manifest; log: Logger },
): Promise<unknown> {
  const { configFile } = manifest.model
  if (!configFile) return undefined
  try {
    return await parseModelConfig(await readFile(join(dir, configFile), 'utf8'), configFile)
  } catch (error) {
    log.warn(`Failed to parse model config file ${configFile}`, { error: messageOf(error) })
    return undefined
  }
}
