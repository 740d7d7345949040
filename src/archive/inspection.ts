/** What is known of an archive that was inspected. */
import type { FileFacts } from '../recognise/index.js'
import type { JsonObject } from './json.js'
import type { Examples, Manifest, ModelSchema, Provenance } from './manifest.js'
import type { Requirement } from './requirements.js'

/** One file of an inspected archive. */
export interface InspectedMember {
  readonly name: string
  readonly bytes: number
  readonly executable: boolean
  /** As recorded when it was packed, or computed now; undefined when neither. */
  readonly sha256: string | undefined
}

/** A model or index in an archive. */
export interface InspectedModel {
  readonly member: string
  readonly facts: FileFacts
}

/** All that is known of an archive without unpacking it. */
export interface Inspection {
  readonly source: string
  readonly kind: 'zip' | 'tar' | 'folder'
  /** Of the file; undefined for a folder. */
  readonly fileBytes: number | undefined
  readonly manifest: Manifest
  /** As it stands in the file; undefined when there is none. */
  readonly rawManifest: JsonObject | undefined
  readonly members: readonly InspectedMember[]
  readonly hashes: 'recorded' | 'computed' | 'none'
  readonly models: readonly InspectedModel[]
  readonly requirements: readonly Requirement[]
  /** What the manifest's `configFile` says; undefined when there is none or it cannot be read. */
  readonly config: unknown
  readonly schema: ModelSchema | undefined
  readonly examples: Examples | undefined
  readonly provenance: Provenance | undefined
  /** What a person should know before serving it, a sentence each; none for a sound archive. */
  readonly findings: readonly string[]
}
