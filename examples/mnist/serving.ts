/** What a new version is compared with: the one that is serving now, else the newest in the store. */
import { existsSync } from 'node:fs'
import { openArchive } from 'marina/archive'
import { servingVersion } from 'marina/deploy'
import { storedVersions } from './store.js'

/** A version and its accuracy on the test images; undefined where its archive does not say, or is not here. */
export interface ServingAccuracy {
  readonly version: string
  readonly accuracy: number | undefined
}

/** The default version of the server, without a server the newest in the store; undefined where neither has one. */
export async function servingAccuracy(options: {
  management: string
  model: string
  store: string
}): Promise<ServingAccuracy | undefined> {
  const serving = await servingVersion(options)
  if (serving) return { version: serving.version, accuracy: await accuracyOf(serving.url) }
  const [newest] = await storedVersions(options.store, options.model)
  return newest && { version: newest.version, accuracy: newest.provenance.metrics?.['accuracy'] }
}

async function accuracyOf(file: string): Promise<number | undefined> {
  if (!existsSync(file)) return undefined
  const archive = await openArchive(file)
  await archive.close()
  return archive.provenance?.metrics?.['accuracy']
}
