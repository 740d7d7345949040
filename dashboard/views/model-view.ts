/** One version: what it is, what it takes and gives, and a form to try it. */
import type { ModelSchema, PageVersion } from '../../src/http/page-types.js'
import type { Api } from '../api.js'
import type { Choice } from '../catalog.js'
import { el, type Child } from '../dom.js'
import { readiness } from './model-list.js'
import { tryView } from './try-view.js'

/** A version's part of the page; `update` takes what changes while it is looked at: readiness and failure. */
export interface ModelView {
  readonly element: HTMLElement
  update(version: PageVersion): void
}

/** Builds it. */
export function createModelView({ model, version }: Choice, deps: { api: Api; origin: string }): ModelView {
  const state = el('div', { class: 'state' })
  const trouble = el('div', { role: 'status' })
  const update = (now: PageVersion) => {
    state.replaceChildren(readiness(now), el('span', { class: 'soft' }, `runs on ${now.runtime}`))
    trouble.replaceChildren(...troubleOf(now))
  }
  update(version)
  const head = el(
    'header',
    {},
    el('h2', {}, model.name, ' ', el('span', { class: 'number' }, version.version)),
    state,
  )
  const about = version.schema?.description
  const element = el(
    'article',
    { class: 'model', 'aria-label': `${model.name} ${version.version}` },
    head,
    about === undefined ? undefined : el('p', { class: 'about' }, about),
    trouble,
    tryView(version, deps),
    version.schema && schemaView(version.schema),
  )
  return { element, update }
}

function troubleOf({ ready, failure }: PageVersion): HTMLElement[] {
  if (ready) return []
  if (failure === undefined) return [notice('No worker is ready yet', 'Answers come as soon as one is.')]
  return [notice('No worker is ready', failure)]
}

const notice = (title: string, text: string): HTMLElement =>
  el(
    'div',
    { class: 'notice bad' },
    el('strong', {}, title),
    el('pre', { tabindex: 0, 'aria-label': title }, text),
  )

function schemaView({ inputs, outputs }: ModelSchema): HTMLElement {
  const list = (rows: readonly (readonly Child[])[]) => el('dl', {}, ...rows.flat())
  const row = (name: string, type: string, description: string | undefined) => [
    el('dt', {}, el('code', {}, name)),
    el(
      'dd',
      {},
      el('span', { class: 'soft' }, type),
      description === undefined ? undefined : ` ${description}`,
    ),
  ]
  return el(
    'details',
    { class: 'schema' },
    el('summary', {}, 'What it takes, what it gives'),
    el('h3', {}, 'Inputs'),
    list(
      inputs.map(({ name, contentTypes, description }) => row(name, contentTypes.join(', '), description)),
    ),
    el('h3', {}, 'Outputs'),
    list(outputs.map(({ name, type, description }) => row(name, type, description))),
  )
}
