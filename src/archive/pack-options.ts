/** What {@link pack} takes and gives. */
import type { ExampleRequest, ModelSchema, Provenance, Runtime } from './manifest.js'
import type { Progress } from './progress.js'

/** The forms that an archive may be written in, under the names of torch-model-archiver. */
export type ArchiveFormat = 'default' | 'zip-store' | 'tgz' | 'no-archive'

/** A member given directly: its name in the archive, and a file or bytes (a string is written as UTF-8). */
export type MemberSource = { readonly name: string } & (
  { readonly file: string } | { readonly data: string | Uint8Array }
)

/** An example request with the body that goes with it: a path, or the bytes. */
export type PackExample = ExampleRequest & { readonly from: string | Uint8Array }

/** What goes into `MAR-INF/marina/`; given at all, even empty, it also brings the hash of each member. */
export interface MarinaMembers {
  readonly schema?: ModelSchema | undefined
  readonly examples?: readonly PackExample[] | undefined
  readonly provenance?: Provenance | undefined
}

/**
 * One archive to be packed. The options of torch-model-archiver keep their names and sense (contract
 * archive §3.2); an empty text counts as absent. A file option that names one of `members` refers to it; else
 * it is a path.
 */
export interface PackOptions {
  /** `^[A-Za-z0-9][A-Za-z0-9_\-.]*$`. */
  readonly modelName: string
  readonly version: string
  /**
   * For `python`: a built-in handler's name, or `path/handler.py`, `path/handler`, `path/handler:function`.
   * For `node`: a built-in handler's name, or the path of a `.ts`, `.mts`, `.js` or `.mjs` file.
   */
  readonly handler: string
  /** Default `node` for a handler of those four kinds, else `python`. */
  readonly runtime?: Runtime | undefined
  readonly serializedFile?: string | undefined
  readonly modelFile?: string | undefined
  readonly requirementsFile?: string | undefined
  readonly configFile?: string | undefined
  /**
   * Files, which go to the root under their base names, and folders, whose contents do. Wildcards are
   * expanded by the command.
   */
  readonly extraFiles?: readonly string[] | undefined
  readonly members?: readonly MemberSource[] | undefined
  /** Default: the current folder. Made when missing. */
  readonly exportPath?: string | undefined
  /** Name of the output without its suffix; default `modelName`. */
  readonly fileName?: string | undefined
  /** Default `default`: a `.mar`. */
  readonly archiveFormat?: ArchiveFormat | undefined
  /**
   * In a `.mar`: `weights` (default) keeps weights and other files that hardly shrink as they are; `nothing`
   * deflates all.
   */
  readonly store?: 'weights' | 'nothing' | undefined
  /** Overwrite an existing output. */
  readonly force?: boolean | undefined
  /** With `force` over an existing folder: what it holds besides stays, as the original leaves it. */
  readonly keepOthers?: boolean | undefined
  /** Two files for one name: `refuse` (default) names both, `last-wins` does as the original does. */
  readonly collisions?: 'refuse' | 'last-wins' | undefined
  /** For a `node` handler: bundle it with its dependencies (default), or copy the file as it is. */
  readonly bundle?: boolean | undefined
  /** Absent: nothing of Marina's goes in, as torch-model-archiver would write it. */
  readonly marina?: MarinaMembers | undefined
  /** Fixed time for equal bytes; default `SOURCE_DATE_EPOCH` of the environment, else none. */
  readonly sourceDate?: Date | undefined
  readonly signal?: AbortSignal | undefined
  /** Called as members are written; at most once for each MiB, and at the end of each member. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** A written archive. */
export interface Packed {
  /** Absolute path. */
  readonly file: string
  /** Of the file; of all members for a folder. */
  readonly bytes: number
  /** Of the file; for a folder that of its members' names and hashes. */
  readonly sha256: string
}
