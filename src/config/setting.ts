/** What one row of the table of settings says. */
import type { Kind } from './values.js'

/** Which table of defaults applies: the drop-in's or the pleasant one (design §3). */
export type Profile = 'marina' | 'torchserve'

/** One setting. */
export interface Row<T> {
  /** TorchServe's key in `config.properties`, or one in its style where it has none. */
  readonly key: string
  /** The flag without its dashes; absent: only files and variables name it. */
  readonly flag?: string
  /** A flag that changes only the port of an address. */
  readonly portFlag?: string
  /** TorchServe's variable where it is not `TS_` and the key; null: TorchServe reads none. */
  readonly variable?: string | null
  /** How one model says it for itself: key of its `model-config.yaml`, parameter of `POST /models`. */
  readonly perModel?: { readonly yaml?: string; readonly parameter?: string }
  readonly kind: Kind<T>
  readonly defaults: Readonly<Record<Profile, T>>
  /** The value is never printed. */
  readonly secret?: true
  /** Why the value changes nothing here; whoever sets it is told so. */
  readonly unused?: string
  /** One sentence for help and docs: what it is, its unit, what happens when it is reached. */
  readonly description: string
}

/** A row whose type is forgotten, where the table is walked. */
export type AnyRow = Row<unknown>

/** The settings that some rows describe. */
export type ValuesOf<Rows> = {
  readonly [K in keyof Rows]: Rows[K] extends Row<infer T> ? T : never
}

/** Infers the type of a row's value from its kind. */
export const row = <T>(settings: Row<T>): Row<T> => settings

/** The same default in both profiles. */
export const both = <T>(value: T): Readonly<Record<Profile, T>> => ({ marina: value, torchserve: value })
