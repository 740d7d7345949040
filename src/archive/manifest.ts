/** `MAR-INF/MANIFEST.json` as torch-model-archiver writes it (contract archive §2). */

/** Who runs the handler. `node` is Marina's own; the others are TorchServe's. */
export type Runtime = 'python' | 'python3' | 'LSP' | 'node'

/** The manifest's known fields; unknown keys are kept in the file and ignored here. */
export interface Manifest {
  readonly createdOn?: string
  readonly runtime: Runtime
  readonly model: {
    readonly modelName?: string
    readonly serializedFile?: string
    readonly handler?: string
    readonly modelFile?: string
    readonly modelVersion: string
    readonly requirementsFile?: string
    readonly configFile?: string
  }
  readonly archiverVersion?: string
}

/** The manifest's place in an archive; it is the last member. */
export const MANIFEST_MEMBER = 'MAR-INF/MANIFEST.json'

/** Where Marina's own members live; TorchServe ignores them. */
export const MARINA_FOLDER = 'MAR-INF/marina'

/** `MAR-INF/marina/schema.json`: what goes in and what comes out, for forms, checks and documents. */
export interface ModelSchema {
  readonly description?: string
  readonly inputs: readonly InputSchema[]
  readonly outputs: readonly OutputSchema[]
  /** Operations that the handler answers; `predict` always. */
  readonly operations: readonly ('predict' | 'explain')[]
}

/** One accepted body or form field. */
export interface InputSchema {
  /** Name of the part; `body` is the whole body. */
  readonly name: string
  readonly kind: 'image' | 'text' | 'json' | 'binary'
  readonly contentTypes: readonly string[]
  readonly description?: string
  /**
   * The page offers a drawing pad of this size in pixels, for a light stroke on dark ground or the reverse.
   */
  readonly draw?: { readonly width: number; readonly height: number; readonly ground: 'dark' | 'light' }
}

/** One field of a JSON answer; the role tells the page how to show it. */
export interface OutputSchema {
  readonly name: string
  readonly type: 'number' | 'integer' | 'string' | 'boolean' | 'array' | 'object'
  readonly role?: 'answer' | 'distance' | 'known'
  readonly description?: string
}

/**
 * `MAR-INF/marina/examples.json`: requests that warm a worker up, that the page offers, and that golden
 * answers hold for.
 */
export interface Examples {
  readonly requests: readonly ExampleRequest[]
}

/** One stored request; `file` lies in `MAR-INF/marina/examples/`. */
export interface ExampleRequest {
  readonly name: string
  readonly file: string
  readonly contentType: string
  /** Fields that the JSON answer must hold; numbers may differ by `tolerance` (absolute, default 0). */
  readonly expect?: Readonly<Record<string, string | number | boolean>>
  readonly tolerance?: number
}

/**
 * `MAR-INF/marina/provenance.json`: where a model came from. All parts are optional and free to choose;
 * `data` maps a data set's name to its hash, `metrics` holds figures of the analysis, `parameters` those of
 * the training, `command` what made it, `parent` the archive that it follows.
 */
export interface Provenance {
  readonly data?: Readonly<Record<string, string>>
  readonly git?: { readonly commit: string; readonly dirty: boolean }
  readonly metrics?: Readonly<Record<string, number>>
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  readonly command?: string
  readonly parent?: ParentArchive
}

/** The archive that another was made from, or takes the place of. */
export interface ParentArchive {
  readonly modelName?: string
  readonly modelVersion?: string
  /** Of the archive's file. */
  readonly sha256: string
}
