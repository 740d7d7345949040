/** The models that are served, each with its versions, how ready they are, and why not. */
import type { PageModel, PageVersion } from '../../src/http/page-types.js'
import { hashOf, type Choice } from '../catalog.js'
import { el } from '../dom.js'

/** Links, so that a version has an address that can be kept and sent. */
export function modelList(models: readonly PageModel[], chosen: Choice | undefined): HTMLElement {
  return el(
    'nav',
    { class: isAlone(models) ? 'models alone' : 'models', 'aria-label': 'Models' },
    el('h2', {}, 'Models'),
    el('ul', {}, ...models.map((model) => modelEntry(model, chosen))),
  )
}

/** Nothing to choose between: a narrow screen has no room for such a list. */
const isAlone = (models: readonly PageModel[]): boolean =>
  models.length === 1 && models[0]?.versions.length === 1

function modelEntry(model: PageModel, chosen: Choice | undefined): HTMLElement {
  return el(
    'li',
    {},
    el('h3', {}, model.name),
    el(
      'ul',
      { class: 'versions' },
      ...model.versions.map((version) => versionEntry({ model, version }, chosen)),
    ),
  )
}

function versionEntry(choice: Choice, chosen: Choice | undefined): HTMLElement {
  const { model, version } = choice
  const isChosen = chosen?.model.name === model.name && chosen.version.version === version.version
  const isDefault = version.version === model.defaultVersion
  return el(
    'li',
    {},
    el(
      'a',
      { href: hashOf(choice), 'aria-current': isChosen ? 'page' : undefined },
      el('span', { class: 'number' }, version.version),
      isDefault ? el('span', { class: 'tag' }, 'default') : undefined,
      readiness(version),
    ),
  )
}

/** A dot and words: colour alone tells nothing to many. */
export function readiness({ ready, workers, failure }: PageVersion): HTMLElement {
  const state = ready ? 'ready' : failure === undefined ? 'starting' : 'failed'
  const count = `${workers.ready} of ${workers.wanted} ${workers.wanted === 1 ? 'worker' : 'workers'}`
  return el(
    'span',
    { class: `readiness ${state}` },
    el('span', { class: 'dot', 'aria-hidden': 'true' }),
    el('span', {}, state),
    el('span', { class: 'soft' }, count),
  )
}
