/** `marina/archive`: reading, writing and checking model archives. */
export { bundleHandler, type Bundle, type BundleOptions } from './bundle-handler.js'
export { type Member } from './container.js'
export {
  diff,
  type DiffedArchive,
  type Difference,
  type FileChange,
  type Plain,
  type ValueChange,
} from './diff.js'
export { ARCHIVER_VERSION, encodeManifest } from './encode-manifest.js'
export { verify, type Finding, type VerifyOptions } from './file-hashes.js'
export { openGeneration, reserveGeneration, type Generation, type GenerationOptions } from './generation.js'
export { inspect, type InspectOptions } from './inspect.js'
export type { InspectedMember, InspectedModel, Inspection } from './inspection.js'
export { defaultLimits, type Limits } from './limits.js'
export {
  MANIFEST_MEMBER,
  MARINA_FOLDER,
  type ExampleRequest,
  type Examples,
  type InputSchema,
  type Manifest,
  type ModelSchema,
  type OutputSchema,
  type ParentArchive,
  type Provenance,
  type Runtime,
} from './manifest.js'
export { parseModelConfig } from './model-config.js'
export {
  openArchive,
  openArchive as open,
  type Archive,
  type OpenOptions,
  type ReadingOptions,
} from './open-archive.js'
export { isModelName, pack } from './pack.js'
export {
  type ArchiveFormat,
  type MarinaMembers,
  type MemberSource,
  type PackExample,
  type Packed,
  type PackOptions,
} from './pack-options.js'
export { emptyManifest, parseManifest } from './parse-manifest.js'
export type { Progress } from './progress.js'
export { isProject, openProject, openSource, type ProjectGeneration } from './project-generation.js'
export { readProject, type ProjectOptions, type ProjectOverrides } from './project.js'
export { type Requirement } from './requirements.js'
export { hashFile } from './file-hash.js'
export { parseProvenance, parseSchema } from './parse-schema.js'
export { readExamples } from './project-examples.js'
export { listStore, nextVersion, type StoreEntry } from './store.js'
export { openStateFolders, type StateFolders } from './state-folders.js'
