/** The models that are there, asked for again and again while the page is looked at. */
import type { PageModel, PageModels, PageVersion } from '../src/http/page-types.js'
import type { Api, Listed } from './api.js'

/** What is known of the server. `last` is what it said before it went. */
export type CatalogState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'here'; readonly models: PageModels }
  | { readonly kind: 'gone'; readonly message: string; readonly last: PageModels | undefined }

/** The next state. */
export function moveCatalog(state: CatalogState, listed: Listed): CatalogState {
  if (listed.kind === 'models') return { kind: 'here', models: listed.models }
  return { kind: 'gone', message: listed.message, last: modelsOf(state) }
}

/** The models of a state, present or last seen. */
export function modelsOf(state: CatalogState): PageModels | undefined {
  if (state.kind === 'here') return state.models
  return state.kind === 'gone' ? state.last : undefined
}

/** A model and one version of it. */
export interface Choice {
  readonly model: PageModel
  readonly version: PageVersion
}

/** The version that an address like `#/name/1.0` names; else the default one of the first model that is ready. */
export function choose(models: readonly PageModel[], hash: string): Choice | undefined {
  const [name, number] = hash.replace(/^#\/?/, '').split('/').map(decoded)
  const ready = models.find(({ versions }) => versions.some((version) => version.ready))
  const model = models.find((candidate) => candidate.name === name) ?? ready ?? models[0]
  const find = (wanted: string | undefined) => model?.versions.find(({ version }) => version === wanted)
  const version = find(number) ?? find(model?.defaultVersion) ?? model?.versions[0]
  return model && version && { model, version }
}

/** The address of a version on this page. */
export const hashOf = ({ model, version }: Choice): string =>
  `#/${encodeURIComponent(model.name)}/${encodeURIComponent(version.version)}`

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Where the time comes from, and whether anybody looks. */
export interface CatalogDeps {
  readonly api: Api
  /** Resolves after a while, at once when the page comes to the front, and not before. */
  readonly pause: (signal: AbortSignal) => Promise<void>
}

/** Asks until the signal aborts; `changed` is told each state that differs from the one before. */
export async function watchCatalog(
  { api, pause }: CatalogDeps,
  { signal, changed }: { signal: AbortSignal; changed: (state: CatalogState) => void },
): Promise<void> {
  let state: CatalogState = { kind: 'waiting' }
  let told = ''
  while (!signal.aborted) {
    state = moveCatalog(state, await api.models(signal))
    const text = JSON.stringify(state)
    if (text !== told) changed(state)
    told = text
    await pause(signal)
  }
}
