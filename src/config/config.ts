/** What the server is told, after all sources have been merged: one frozen structure, units in the names. */
import type { Profile } from './setting.js'
import type { Settings } from './table.js'

export type { Profile } from './setting.js'
export { addressUrl, isTls, type Address, type TcpAddress } from './values.js'

/** A model of the start: an archive file, a folder, or a name in the model store. */
export interface StartupModel {
  /** Undefined: the archive's own. */
  readonly name: string | undefined
  readonly source: string
}

/** Settings of the whole server; the table of settings says what each is. */
export interface Config extends Settings {
  readonly profile: Profile
  /** Models loaded at the start, `all` replaced by what lies in the model store. */
  readonly models: readonly StartupModel[]
}
