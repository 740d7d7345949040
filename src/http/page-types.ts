/** What the page reads from the server: types only, shared with the code in `dashboard/` that runs in a browser. */
import type { ModelSchema } from '../archive/manifest.js'

export type { InputSchema, ModelSchema, OutputSchema } from '../archive/manifest.js'

/** Answer of `GET /page/models`. */
export interface PageModels {
  /** Version of the server. */
  readonly server: string
  /** By name. */
  readonly models: readonly PageModel[]
}

/** One model with all its versions. */
export interface PageModel {
  readonly name: string
  readonly defaultVersion: string
  readonly versions: readonly PageVersion[]
}

/** One version. URLs are paths on this server. */
export interface PageVersion {
  readonly version: string
  /** At least one worker can answer now. */
  readonly ready: boolean
  readonly runtime: string
  readonly workers: { readonly ready: number; readonly wanted: number }
  /** Why no worker is ready, where that is known. */
  readonly failure?: string
  readonly predictUrl: string
  /** Absent where the handler does not explain. */
  readonly explainUrl?: string
  readonly schema?: ModelSchema
  readonly examples: readonly PageExample[]
}

/** A stored request that the page offers. */
export interface PageExample {
  readonly name: string
  readonly contentType: string
  /** Where its bytes are. */
  readonly url: string
}
