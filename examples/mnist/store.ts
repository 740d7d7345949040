/** The model store of this project: which versions are there, and what is known of each. */
import { resolve } from 'node:path'
import { listStore, openArchive, type Provenance } from 'marina/archive'

/** One version of the model. */
export interface StoredVersion {
  readonly file: string
  readonly version: string
  readonly provenance: Provenance
}

/** All versions of a model in a store, the newest first; damaged archives and other models are passed over. */
export async function storedVersions(store: string, model: string): Promise<StoredVersion[]> {
  const versions: StoredVersion[] = []
  for (const entry of await listStore(resolve(store))) {
    if (entry.kind !== 'archive' || entry.name !== model) continue
    const archive = await openArchive(entry.file)
    versions.push({ file: entry.file, version: entry.version, provenance: archive.provenance ?? {} })
    await archive.close()
  }
  return versions.sort((a, b) => b.version.localeCompare(a.version, undefined, { numeric: true }))
}
